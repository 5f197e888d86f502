import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createGate } from '../entry/edge/node.ts'
import { clock, TestRealm } from './testing/realm.ts'

const SECRET = 'known to the origin and to this edge'

interface Pushed {
  method?: string
  secret?: string
  headers?: Record<string, string>
}

function push(body: BodyInit | null, { method = 'POST', secret, headers = {} }: Pushed = {}): Request {
  const authorization: Record<string, string> = secret === undefined ? {} : { authorization: `Bearer ${secret}` }
  const streaming = body instanceof ReadableStream ? { duplex: 'half' } : {}
  return new Request('http://edge.example/portcullis/feed', {
    method,
    body,
    headers: { ...authorization, ...headers },
    ...streaming,
  } as RequestInit)
}

async function started(t: TestContext) {
  const realm = await TestRealm.start(t)
  const { feed } = realm.realmOptions()
  const gate = createGate(realm.options({}, { feed: { ...feed, acknowledge: { edge: 'edge-1', secret: SECRET } } }))
  t.after(() => gate.close())
  const behind: Promise<unknown>[] = []
  const send = async (body: BodyInit | null, pushed: Pushed = {}) => {
    const response = await gate.receiveFeed(push(body, pushed), { waitUntil: (promise) => behind.push(promise) })
    return {
      status: response.status,
      body: (await response.json()) as Record<string, unknown>,
      headers: response.headers,
    }
  }
  const sendProven = (body: BodyInit | null) => send(body, { secret: SECRET })
  return { realm, gate, behind, send, sendProven }
}

/** Returns a body without a declared length, of this many chunks of 16 KiB, and the number of chunks read. */
function chunked(chunks: number): { body: ReadableStream; taken: () => number } {
  let taken = 0
  const body = new ReadableStream(
    {
      pull(controller) {
        if (taken === chunks) return controller.close()
        taken += 1
        controller.enqueue(new Uint8Array(16 * 1024))
      },
    },
    { highWaterMark: 0 },
  )
  return { body, taken: () => taken }
}

function pulls(realm: TestRealm): number {
  return realm.server.count('/deltas') + realm.server.count('/manifest')
}

test('applies a manifest and deltas, and sends its position to a sender with the secret', async (t) => {
  const { realm, gate, behind, sendProven } = await started(t)
  assert.deepEqual((await sendProven(realm.manifest())).status, 200)
  await Promise.all(behind)
  realm.record({ kind: 'user', subject: 'bob' })
  const { sequence } = realm.ledger.head()
  assert.deepEqual((await sendProven(realm.delta(0))).body, { realm: 'acme', sequence, changed: true })
  assert.deepEqual((await sendProven(realm.delta(0))).body, { realm: 'acme', sequence, changed: false })
  assert.deepEqual((await sendProven(realm.delta(sequence))).body, { realm: 'acme', sequence, changed: false })
  const verdict = await gate.check(await realm.token({ sub: 'bob' }))
  assert.equal(verdict.ok ? '' : verdict.reason, 'user_revoked')
})

test('applies them from any sender, and reveals nothing of its state without the secret', async (t) => {
  const { realm, gate, behind, send } = await started(t)
  const statements = [realm.manifest(), realm.delta(0)]
  for (let i = 0; i < 3; i++) {
    realm.record({ kind: 'user', subject: `user-${i}` })
    statements.push(realm.delta(i), realm.manifest())
  }
  const last = statements.length - 1
  // A gap at first, then in order, then all of it once more: the responses are indistinguishable.
  const order = [last - 1, ...statements.keys(), ...statements.keys()]
  for (const index of order) {
    const { status, body } = await send(statements[index] ?? '')
    assert.deepEqual({ status, body }, { status: 200, body: { received: true } })
    await Promise.all(behind)
  }
  assert.equal(gate.status()[0]?.sequence, realm.ledger.head().sequence)
  const verdict = await gate.check(await realm.token({ sub: 'user-2' }))
  assert.equal(verdict.ok ? '' : verdict.reason, 'user_revoked')
})

test('forged messages are refused identically, for any realm and sequence that they claim', async (t) => {
  const { realm, gate, send } = await started(t)
  const other = await TestRealm.start(t, 'other')
  await gate.refresh()
  realm.record({ kind: 'user', subject: 'alice' })
  const behindUs = [realm.delta(0), realm.manifest()]
  for (let i = 0; i < 2; i++) realm.record({ kind: 'user', subject: `user-${i}` })
  await gate.refresh()
  realm.record({ kind: 'user', subject: 'bob' })
  const forged = [...behindUs, realm.delta(0), realm.delta(3), realm.manifest(), other.manifest()].map((bytes) => {
    const bent = bytes.slice()
    bent[bent.length - 1] = (bent.at(-1) ?? 0) ^ 1
    return bent
  })
  for (const bytes of [...forged, 'x', new Uint8Array(100)]) {
    const { status, body } = await send(bytes)
    assert.deepEqual({ status, body }, { status: 400, body: { error: 'feed_refused' } })
  }
})

test('allows only POST', async (t) => {
  const { send } = await started(t)
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
    const answer = await send(method === 'PUT' ? 'x' : null, { method }).catch(() => undefined)
    if (answer === undefined) continue
    assert.equal(answer.status, 405)
    assert.equal(answer.headers.get('allow'), 'POST')
  }
})

test('refuses anything but a statement of a realm here, and changes nothing', async (t) => {
  const { realm, gate, sendProven } = await started(t)
  const other = await TestRealm.start(t, 'other')
  const impostor = await TestRealm.start(t, 'acme')
  await gate.refresh()
  realm.server.hits.length = 0
  // The state continues to age while this runs.
  const state = () => gate.status().map(({ ageSeconds: _, ...rest }) => rest)
  const before = state()
  realm.record({ kind: 'user', subject: 'bob' })
  const good = realm.delta(0)
  const bent = good.slice()
  const last = bent.length - 1
  bent[last] = (bent[last] ?? 0) ^ 1
  for (const bytes of [
    '',
    'x',
    new Uint8Array(100),
    good.subarray(0, last),
    bent,
    other.manifest(),
    impostor.manifest(),
  ]) {
    const { status, body } = await sendProven(bytes)
    assert.equal(status, 400)
    assert.equal(body['error'], 'feed_refused')
    assert.match(String(body['detail']), /^[a-z_]+$/)
  }
  assert.deepEqual(state(), before)
  assert.deepEqual(
    realm.server.hits.filter((hit) => !hit.includes('/acks')),
    [],
  )
})

test('a push beyond 64 KiB without the secret is a hint to pull', async (t) => {
  const { realm, gate, behind, send, sendProven } = await started(t)
  await gate.refresh()
  for (let i = 0; i < 15_000; i++)
    realm.ledger.stage({ kind: 'token', tokenId: `t-${i}`, expiresAt: clock() + 600 }, clock())
  realm.ledger.commit()
  const long = realm.delta(0)
  assert.ok(long.byteLength > 64 * 1024)
  assert.deepEqual((await sendProven(long)).body, { realm: 'acme', sequence: 15_000, changed: true })
  realm.record({ kind: 'user', subject: 'bob' })
  const before = pulls(realm)
  const { status, body } = await send(long, { secret: 'another' })
  assert.deepEqual({ status, body }, { status: 200, body: { received: true } })
  await Promise.all(behind)
  assert.equal(gate.status()[0]?.sequence, 15_001)
  assert.equal(pulls(realm), before + 1)
})

test('a long push without a secret is not read: by its length at once, in chunks up to the bound', async (t) => {
  const { send, sendProven } = await started(t)
  const declared = chunked(256)
  const headers = { 'content-length': String(4 * 1024 * 1024) }
  assert.equal((await send(declared.body, { headers })).status, 200)
  assert.equal(declared.taken(), 0)
  const undeclared = chunked(1_000)
  assert.equal((await send(undeclared.body)).status, 200)
  assert.ok(undeclared.taken() <= 6, `${undeclared.taken()} chunks`)
  // Beyond 4 MiB, with the secret too.
  const tooLong = chunked(1_000)
  assert.equal((await send(tooLong.body, { headers: { 'content-length': String(4 * 1024 * 1024 + 1) } })).status, 413)
  assert.equal(tooLong.taken(), 0)
  const endless = chunked(Infinity)
  assert.equal((await sendProven(endless.body)).status, 413)
  assert.ok(endless.taken() <= 260, `${endless.taken()} chunks`)
})

test('no byte of long pushes without a secret is read, and together they cause one pull', async (t) => {
  const { realm, gate, behind, send } = await started(t)
  await gate.refresh()
  // At the same time: a second later, another pull is allowed.
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 2_000 })
  const before = pulls(realm)
  const bodies = Array.from({ length: 200 }, () => chunked(256))
  for (const { body } of bodies) {
    assert.equal((await send(body, { headers: { 'content-length': String(4 * 1024 * 1024) } })).status, 200)
  }
  await Promise.all(behind)
  assert.equal(
    bodies.reduce((sum, { taken }) => sum + taken(), 0),
    0,
  )
  assert.equal(pulls(realm), before + 1)
})

test('pushes without the secret cause at most one pull a second, with any contents', async (t) => {
  const { realm, gate, behind, send } = await started(t)
  await gate.refresh()
  realm.record({ kind: 'user', subject: 'bob' })
  const { sequence } = realm.ledger.head()
  realm.record({ kind: 'user', subject: 'carol' })
  const ahead = realm.delta(sequence)
  // The origin is gone: no fetch succeeds.
  realm.instead.set('deltas', (_, response) => void response.writeHead(503).end())
  const before = pulls(realm)
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 2_000 })
  for (let second = 1; second <= 3; second++) {
    for (let i = 0; i < 100; i++) {
      assert.equal((await send(i % 2 === 0 ? ahead : new Uint8Array(80_000))).status, 200)
      await Promise.all(behind)
    }
    assert.ok(pulls(realm) - before <= second, `${pulls(realm) - before} pulls in ${second} s`)
    t.mock.timers.tick(1_000)
  }
  assert.ok(pulls(realm) > before)
  realm.instead.clear()
})

test('a new statement of the origin is applied without a secret, during any number of other pushes', async (t) => {
  const { realm, gate, send } = await started(t)
  await gate.refresh()
  const forged = realm.manifest()
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
  const statuses = new Set<number>()
  for (let i = 0; i < 15; i++) {
    realm.record({ kind: 'user', subject: `user-${i}` })
    assert.equal((await send(realm.delta(i))).status, 200)
    assert.equal(gate.status()[0]?.sequence, i + 1)
    statuses.add((await send(forged)).status)
  }
  assert.deepEqual([...statuses], [400])
  // Beyond the limit they are no longer verified.
  for (let i = 0; i < 30; i++) statuses.add((await send(forged)).status)
  assert.deepEqual([...statuses], [400, 200])
})

test('a gap gets 409 and is fetched', async (t) => {
  const { realm, gate, behind, sendProven } = await started(t)
  await gate.refresh()
  realm.record({ kind: 'user', subject: 'bob' })
  const { sequence } = realm.ledger.head()
  realm.record({ kind: 'user', subject: 'carol' })
  const answer = await sendProven(realm.delta(sequence))
  assert.equal(answer.status, 409)
  assert.equal(answer.body['detail'], 'gap')
  await Promise.all(behind)
  assert.equal(gate.status()[0]?.sequence, realm.ledger.head().sequence)
})

test('an edge without state responds to a delta with 409 and loads', async (t) => {
  const { realm, gate, behind, sendProven } = await started(t)
  realm.record({ kind: 'user', subject: 'bob' })
  realm.record({ kind: 'user', subject: 'carol' })
  assert.equal((await sendProven(realm.delta(1))).status, 409)
  await Promise.all(behind)
  assert.equal(gate.status()[0]?.loaded, true)
})

test('the sections of a pushed manifest are fetched in the background', async (t) => {
  const { realm, gate, behind, send } = await started(t)
  await gate.refresh()
  for (let i = 0; i < 100; i++) realm.record({ kind: 'token', tokenId: `t-${i}`, expiresAt: clock() + 600 })
  assert.equal((await send(realm.manifest())).status, 200)
  await Promise.all(behind)
  const verdict = await gate.check(await realm.token({ jti: 't-50', exp: clock() + 600 }))
  assert.equal(verdict.ok ? '' : verdict.reason, 'token_revoked')
})

test('applyFeed does the same for bytes', async (t) => {
  const { realm, gate } = await started(t)
  await gate.refresh()
  realm.record({ kind: 'user', subject: 'bob' })
  const { sequence } = realm.ledger.head()
  assert.deepEqual(gate.applyFeed(realm.delta(0)), { realm: 'acme', sequence, changed: true })
  assert.deepEqual(gate.applyFeed(realm.delta(0)), { realm: 'acme', sequence, changed: false })
  assert.throws(() => gate.applyFeed(new Uint8Array(3)), { code: 'feed_refused' })
  assert.throws(() => gate.applyFeed('text' as unknown as Uint8Array), { code: 'feed_refused', detail: 'not_bytes' })
})
