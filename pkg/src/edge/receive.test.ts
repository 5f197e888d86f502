import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createGate } from '../entry/edge/node.ts'
import { clock, TestRealm } from './testing/realm.ts'

function push(body: BodyInit | null, method = 'POST'): Request {
  return new Request('http://edge.example/portcullis/feed', { method, body, ...(body instanceof ReadableStream ? { duplex: 'half' } : {}) } as RequestInit)
}

async function started(t: TestContext) {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  const behind: Promise<unknown>[] = []
  const send = async (body: BodyInit | null, method = 'POST') => {
    const response = await gate.receiveFeed(push(body, method), { waitUntil: (promise) => behind.push(promise) })
    return { status: response.status, body: (await response.json()) as Record<string, unknown>, headers: response.headers }
  }
  return { realm, gate, behind, send }
}

test('takes a manifest and deltas, and says how far it is', async (t) => {
  const { realm, gate, behind, send } = await started(t)
  assert.deepEqual((await send(realm.manifest())).status, 200)
  await Promise.all(behind)
  realm.record({ kind: 'user', subject: 'bob' })
  const { sequence } = realm.ledger.head()
  assert.deepEqual((await send(realm.delta(0))).body, { realm: 'acme', sequence, changed: true })
  assert.deepEqual((await send(realm.delta(0))).body, { realm: 'acme', sequence, changed: false })
  assert.deepEqual((await send(realm.delta(sequence))).body, { realm: 'acme', sequence, changed: false })
  const verdict = await gate.check(await realm.token({ sub: 'bob' }))
  assert.equal(verdict.ok ? '' : verdict.reason, 'user_revoked')
})

test('only POST', async (t) => {
  const { send } = await started(t)
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
    const answer = await send(method === 'PUT' ? 'x' : null, method).catch(() => undefined)
    if (answer === undefined) continue
    assert.equal(answer.status, 405)
    assert.equal(answer.headers.get('allow'), 'POST')
  }
})

test('refuses what is no statement of a realm here, and changes nothing', async (t) => {
  const { realm, gate, send } = await started(t)
  const other = await TestRealm.start(t, 'other')
  const impostor = await TestRealm.start(t, 'acme')
  await gate.refresh()
  realm.server.hits.length = 0
  // How old the state is goes on while this runs.
  const state = () => gate.status().map(({ ageSeconds: _, ...rest }) => rest)
  const before = state()
  realm.record({ kind: 'user', subject: 'bob' })
  const good = realm.delta(0)
  const bent = good.slice()
  const last = bent.length - 1
  bent[last] = (bent[last] ?? 0) ^ 1
  for (const bytes of ['', 'x', new Uint8Array(100), good.subarray(0, last), bent, other.manifest(), impostor.manifest()]) {
    const { status, body } = await send(bytes)
    assert.equal(status, 400)
    assert.equal(body['error'], 'feed_refused')
    assert.match(String(body['detail']), /^[a-z_]+$/)
  }
  assert.deepEqual(state(), before)
  assert.deepEqual(realm.server.hits, [])
})

test('a push that is too large is not read to its end', async (t) => {
  const { send } = await started(t)
  let sent = 0
  const endless = new ReadableStream({
    pull(controller) {
      sent += 1
      controller.enqueue(new Uint8Array(1024 * 1024))
    },
  })
  assert.equal((await send(endless)).status, 413)
  assert.ok(sent < 10)
})

test('a gap is answered with 409 and fetched', async (t) => {
  const { realm, gate, behind, send } = await started(t)
  await gate.refresh()
  realm.record({ kind: 'user', subject: 'bob' })
  const { sequence } = realm.ledger.head()
  realm.record({ kind: 'user', subject: 'carol' })
  const answer = await send(realm.delta(sequence))
  assert.equal(answer.status, 409)
  assert.equal(answer.body['detail'], 'gap')
  await Promise.all(behind)
  assert.equal(gate.status()[0]?.sequence, realm.ledger.head().sequence)
})

test('an edge that has nothing yet answers a delta with 409 and loads', async (t) => {
  const { realm, gate, behind, send } = await started(t)
  realm.record({ kind: 'user', subject: 'bob' })
  realm.record({ kind: 'user', subject: 'carol' })
  assert.equal((await send(realm.delta(1))).status, 409)
  await Promise.all(behind)
  assert.equal(gate.status()[0]?.loaded, true)
})

test('the sections of a pushed manifest are fetched behind the answer', async (t) => {
  const { realm, gate, behind, send } = await started(t)
  await gate.refresh()
  for (let i = 0; i < 100; i++) realm.record({ kind: 'token', tokenId: `t-${i}`, expiresAt: clock() + 600 })
  assert.equal((await send(realm.manifest())).status, 200)
  await Promise.all(behind)
  const verdict = await gate.check(await realm.token({ jti: 't-50', exp: clock() + 600 }))
  assert.equal(verdict.ok ? '' : verdict.reason, 'token_revoked')
})

test('applyFeed does the same for bytes at hand', async (t) => {
  const { realm, gate } = await started(t)
  await gate.refresh()
  realm.record({ kind: 'user', subject: 'bob' })
  const { sequence } = realm.ledger.head()
  assert.deepEqual(gate.applyFeed(realm.delta(0)), { realm: 'acme', sequence, changed: true })
  assert.deepEqual(gate.applyFeed(realm.delta(0)), { realm: 'acme', sequence, changed: false })
  assert.throws(() => gate.applyFeed(new Uint8Array(3)), { code: 'feed_refused' })
  assert.throws(() => gate.applyFeed('text' as unknown as Uint8Array), { code: 'feed_refused', detail: 'not_bytes' })
})
