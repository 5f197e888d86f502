// The token cache changes no verdict, is bounded, and shares no mutable object.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGate } from '../entry/edge/node.ts'
import type { Gate, Verdict } from '../types.ts'
import { TokenCache } from './token-cache.ts'
import { clock, makeKey, TestRealm } from './testing/realm.ts'

function outcome(verdict: Verdict): string {
  return verdict.ok ? `accepted at ${verdict.sequence}` : verdict.reason
}

/** Returns a distinct string, as every request has one. */
function fresh(token: string): string {
  return Buffer.from(token).toString('latin1')
}

test('a verdict has the same form for new and cached tokens', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options({ refreshAfterSeconds: 1000, waitAfterSeconds: 1000 }))
  t.after(() => gate.close())
  await gate.refresh()
  const token = await realm.token({ name: 'Zoë – 日本', deep: { a: [1, { b: null }] } })
  const verdicts = [
    gate.checkSync(token),
    gate.checkSync(fresh(token)),
    gate.checkSync(fresh(token)),
    await gate.check(fresh(token)),
  ]
  const [first] = verdicts
  assert.ok(first?.ok)
  for (const verdict of verdicts) {
    assert.ok(verdict.ok)
    assert.deepEqual(verdict, first)
    assert.deepEqual(Object.keys(verdict), ['ok', 'claims', 'header', 'realm', 'sequence'])
    assert.equal(JSON.stringify(verdict), JSON.stringify({ ...first }))
    assert.equal(Object.getPrototypeOf(verdict), Object.prototype)
    const { claims, header, ...rest } = verdict
    assert.deepEqual(rest, { ok: true, realm: 'acme', sequence: realm.ledger.head().sequence })
    assert.deepEqual(claims['deep'], { a: [1, { b: null }] })
    assert.deepEqual(header, { alg: 'ES256', kid: 'first', typ: 'JWT' })
    assert.equal(verdict.claims, claims, 'read once')
    assert.deepEqual(structuredClone(verdict), { ...verdict })
  }
})

test('a caller cannot change the claims that others get', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options({ refreshAfterSeconds: 1000, waitAfterSeconds: 1000 }))
  t.after(() => gate.close())
  await gate.refresh()
  const token = await realm.token({ roles: ['user'], deep: { a: { b: 1 } } })
  for (let round = 0; round < 3; round++) {
    const verdict = gate.checkSync(fresh(token))
    assert.ok(verdict.ok)
    const claims = verdict.claims as { sub: string; roles: string[]; deep: { a: { b: number } } }
    assert.throws(() => void (claims.sub = 'admin'), TypeError)
    assert.throws(() => claims.roles.push('admin'), TypeError)
    assert.throws(() => void (claims.deep.a.b = 2), TypeError)
    assert.throws(() => void (verdict.header['x'] = 1), TypeError)
    // The verdict object itself is not shared.
    verdict.realm = 'changed'
    Object.assign(verdict, { user: 'alice' })
  }
  const last = gate.checkSync(fresh(token))
  assert.ok(last.ok && last.realm === 'acme' && !('user' in last))
  assert.deepEqual(last.claims['roles'], ['user'])
})

test('the next check after a revocation, a new key set or a ban applies it', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options({ refreshAfterSeconds: 1000, waitAfterSeconds: 1000 }))
  t.after(() => gate.close())
  await gate.refresh()
  const token = await realm.token({ sub: 'bob' })
  for (let i = 0; i < 4; i++) assert.match(outcome(gate.checkSync(fresh(token))), /^accepted/)
  realm.record({ kind: 'user', subject: 'somebody' })
  gate.applyFeed(realm.delta(realm.ledger.head().sequence - 1))
  assert.equal(outcome(gate.checkSync(fresh(token))), `accepted at ${realm.ledger.head().sequence}`)
  realm.record({ kind: 'user', subject: 'bob' })
  gate.applyFeed(realm.delta(realm.ledger.head().sequence - 1))
  assert.equal(outcome(gate.checkSync(fresh(token))), 'user_revoked')
  assert.equal(outcome(await gate.check(fresh(token))), 'user_revoked')
})

test('a cached token expires although nothing else changes', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options({ refreshAfterSeconds: 1000, waitAfterSeconds: 1000, maxStaleSeconds: 1000 }))
  t.after(() => gate.close())
  await gate.refresh()
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const token = await realm.token({ exp: clock() + 100 })
  for (let i = 0; i < 4; i++) assert.match(outcome(gate.checkSync(fresh(token))), /^accepted/)
  t.mock.timers.setTime(Date.now() + 104_000)
  assert.match(outcome(gate.checkSync(fresh(token))), /^accepted/)
  t.mock.timers.setTime(Date.now() + 2_000)
  assert.equal(outcome(gate.checkSync(fresh(token))), 'expired')
})

test('a token with the cache key of another is judged separately', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options({ refreshAfterSeconds: 1000, waitAfterSeconds: 1000 }))
  t.after(() => gate.close())
  await gate.refresh()
  const token = await realm.token()
  for (let i = 0; i < 4; i++) assert.match(outcome(gate.checkSync(fresh(token))), /^accepted/)
  const [header = '', claims = '', signature = ''] = token.split('.')
  const other = Buffer.from(
    JSON.stringify({ ...JSON.parse(String(Buffer.from(claims, 'base64url'))), sub: 'admin' }),
  ).toString('base64url')
  const changed = (signature[0] === 'A' ? 'B' : 'A') + signature.slice(1)
  for (const forged of [`${header}.${other}.${signature}`, `${header}.${claims}.${changed}`]) {
    assert.equal(outcome(gate.checkSync(forged)), 'bad_signature')
    assert.equal(outcome(await gate.check(forged)), 'bad_signature')
  }
  assert.equal(outcome(gate.checkSync(`${token}=`)), 'malformed')
  assert.equal(outcome(gate.checkSync(`${token} `)), 'malformed')
})

test('after any changes, every verdict equals that of a gate without cache', async (t) => {
  const realm = await TestRealm.start(t)
  const options = { refreshAfterSeconds: 100_000, waitAfterSeconds: 100_000, maxStaleSeconds: 100 }
  const gates: Gate[] = [
    { verifiedTokenCacheEntries: 0 },
    { verifiedTokenCacheEntries: 4 },
    {},
    { verifySignatures: 'rust' as const },
  ].map((more) => createGate(realm.options({ ...options, ...more })))
  t.after(() => gates.forEach((gate) => gate.close()))
  await Promise.all(gates.map((gate) => gate.refresh()))
  const stranger = await makeKey('first')
  const tokens = await Promise.all(
    Array.from({ length: 10 }, (_, number) =>
      realm.token(
        {
          jti: `token-${number}`,
          sub: `user-${number % 3}`,
          sid: `session-${number % 2}`,
          exp: clock() + 30 * (number + 1),
        },
        number === 9 ? stranger : undefined,
      ),
    ),
  )
  // Knuth's MMIX constants: the same sequence in every run.
  let state = 0x5eedn
  const random = (below: number): number => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & (2n ** 64n - 1n)
    return Number(state >> 33n) % below
  }
  const start = Date.now()
  let now = start
  t.mock.timers.enable({ apis: ['Date'], now })
  for (let step = 0; step < 3000; step++) {
    const what = random(40)
    if (what === 0) t.mock.timers.setTime((now += random(4000)))
    else if (what === 1) t.mock.timers.setTime((now -= random(3000)))
    else if (what === 2) {
      const events = [
        { kind: 'token', tokenId: `token-${random(10)}` },
        { kind: 'token', tokenId: 'nobody' },
        { kind: 'session', session: `session-${random(20)}` },
        { kind: 'user', subject: `user-${random(20)}` },
      ]
      realm.record(events[random(4)] ?? {})
    } else if (what === 3 || what === 4) {
      const bytes = random(2) === 0 ? realm.manifest() : realm.delta(gates[0]?.status()[0]?.sequence ?? 0)
      for (const gate of gates) {
        try {
          gate.applyFeed(bytes)
        } catch {
          // A clock that went back makes the origin's statements come from the past or the future; all gates refuse
          // alike.
        }
      }
    } else {
      const token = tokens[random(10)] ?? ''
      const [expected, ...others] = gates.map((gate) => outcome(gate.checkSync(fresh(token))))
      for (const other of others) assert.equal(other, expected, `step ${step}`)
    }
  }
})

test('the cache is bounded, and keeps tokens in use', () => {
  const memo = new TokenCache(100, 1 << 20)
  const token = (number: number) => `${'h'.repeat(100)}.${'c'.repeat(500)}.${String(number).padStart(86, '0')}`
  memo.add(token(0), 0, { generation: 0, place: 0, lower: 1, upper: 0 }, 1)
  for (let number = 1; number < 100_000; number++) {
    memo.add(token(number), 0, { generation: 0, place: 0, lower: 1, upper: 0 }, 1)
    if (number % 20 === 0) assert.equal(memo.get(token(0))?.token, token(0), String(number))
    assert.ok(memo.size <= 100)
  }
  assert.equal(memo.get(token(5)), undefined)
  assert.equal(memo.get(`x${token(0).slice(1)}`), undefined, 'the whole text decides')
  const small = new TokenCache(1000, 20_000)
  for (let number = 0; number < 1000; number++)
    small.add(token(number), 0, { generation: 0, place: 0, lower: 1, upper: 0 }, 1)
  assert.ok(small.size > 5 && small.size < 20, String(small.size))
  small.add(`${'x'.repeat(10_000)}.x.x`, 0, { generation: 0, place: 0, lower: 1, upper: 0 }, 1)
  assert.equal(small.get(`${'x'.repeat(10_000)}.x.x`), undefined)
  const none = new TokenCache(0, 1 << 20)
  none.add(token(1), 0, { generation: 0, place: 0, lower: 1, upper: 0 }, 1)
  assert.equal(none.size, 0)
})
