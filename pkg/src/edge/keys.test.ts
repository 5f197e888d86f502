import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createGate } from '../entry/edge/node.ts'
import { json, page, silent } from '../test-fixtures/server.ts'
import { makeKey, TestRealm } from './testing/realm.ts'

async function started(t: Parameters<typeof TestRealm.start>[0], more = {}) {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options(more, { jwks: `${realm.server.url}/certs` }))
  t.after(() => gate.close())
  const ask = async (token: string) => {
    const verdict = await gate.check(token)
    return verdict.ok ? 'accepted' : verdict.reason
  }
  return { realm, gate, ask }
}

test('unreachable keys: keys_unavailable, reported, and recovered within about a second', async (t) => {
  const { realm, ask } = await started(t)
  for (const listener of [page(), json({ keys: [] }), silent()]) {
    realm.instead.set('certs', listener)
    assert.equal(await ask(await realm.token()), 'keys_unavailable')
  }
  assert.ok(realm.reports.some((report) => report.kind === 'jwks'))
  realm.instead.clear()
  await pause(1050)
  assert.equal(await ask(await realm.token()), 'accepted')
})

test('a rotation is followed at once, also during a flood of made-up keys', async (t) => {
  const { realm, ask } = await started(t, { refreshAfterSeconds: 1000, waitAfterSeconds: 1000, maxStaleSeconds: 1000 })
  assert.equal(await ask(await realm.token()), 'accepted')
  const second = await realm.rotate('second')
  assert.equal(await ask(await realm.token({}, second)), 'accepted')
  const stranger = await makeKey('x')
  const garbage = await Promise.all(
    Array.from({ length: 60 }, (_, i) => realm.token({}, { ...stranger, kid: `garbage-${i}` })),
  )
  const before = realm.server.count('/certs')
  const startedAt = Date.now()
  for (let round = 0; round < 5; round++) for (const token of garbage) assert.equal(await ask(token), 'unknown_key')
  const spent = realm.server.count('/certs') - before
  assert.ok(spent <= 6 + (Date.now() - startedAt) / 1000, `${spent} fetches`)
  const third = await realm.token({}, await realm.rotate('third'))
  const deadline = Date.now() + 20_000
  while ((await ask(third)) !== 'accepted') {
    assert.ok(Date.now() < deadline, 'the rotation was starved')
    for (const token of garbage) await ask(token)
    await pause(5)
  }
  assert.equal(realm.server.count('/deltas') + realm.server.count('/manifest'), 1)
})

test('no key is dropped before the set is due, for any response to a lookup', async (t) => {
  const { realm, ask } = await started(t)
  const second = await realm.rotate('second')
  assert.equal(await ask(await realm.token()), 'accepted')
  const garbage = await makeKey('x')
  const part = { keys: [second.jwk] }
  for (const [index, answer] of [json(part), page(), page(500), json({ keys: [] }), json({ keys: [null] })].entries()) {
    realm.instead.set('certs', answer)
    const before = realm.server.count('/certs')
    assert.equal(await ask(await realm.token({}, { ...garbage, kid: `made-up-${index}` })), 'unknown_key')
    assert.equal(realm.server.count('/certs'), before + 1)
    for (const key of [realm.keys[0], second]) assert.equal(await ask(await realm.token({}, key)), 'accepted')
  }
})

test('a key removed from the set is refused once the set is due', async (t) => {
  const { realm, ask } = await started(t, { jwksMaxAgeSeconds: 1 })
  const token = await realm.token()
  assert.equal(await ask(token), 'accepted')
  realm.keys.splice(0, 1, await makeKey('other'))
  await pause(1050)
  assert.equal(await ask(token), 'unknown_key')
})

test('while the set cannot be fetched again, the old one stays in use until its last second', async (t) => {
  const { now } = Date
  let aheadMs = 0
  t.mock.method(Date, 'now', () => now() + aheadMs)
  const { realm, ask } = await started(t, { jwksMaxAgeSeconds: 60, jwksMaxStaleSeconds: 180 })
  const token = await realm.token()
  assert.equal(await ask(token), 'accepted')
  realm.instead.set('certs', page(500))
  aheadMs += 66_000
  assert.equal(await ask(token), 'accepted')
  aheadMs += 180_000
  assert.equal(await ask(token), 'keys_unavailable')
})
