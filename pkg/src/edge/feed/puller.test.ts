import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createGate } from '../../entry/edge/node.ts'
import { cutShort, endless, json, type Listener, page, redirect, silent } from '../../test-fixtures/server.ts'
import { clock, TestRealm } from '../testing/realm.ts'

const OCTETS = 'application/octet-stream'
const garbage: Listener = (_, response) => response.writeHead(200, { 'content-type': OCTETS }).end('s3cret garbage')

const broken: [string, Listener, string, string][] = [
  ['a page', page(), 'feed_refused', 'not_a_feed'],
  ['JSON', json({ manifest: true }), 'feed_refused', 'not_a_feed'],
  ['an error', page(500), 'feed_unreachable', 'status'],
  ['not for us', page(401), 'feed_unreachable', 'status'],
  ['nothing there', json({}, 404), 'feed_unreachable', 'status'],
  ['a redirect', redirect('https://elsewhere.example/'), 'feed_unreachable', 'redirect'],
  ['half an answer', cutShort(OCTETS), 'feed_unreachable', 'truncated'],
  ['an endless answer', endless(OCTETS), 'feed_unreachable', 'too_large'],
  ['nothing at all', (_, response) => response.writeHead(200, { 'content-type': OCTETS }).end(), 'feed_refused', ''],
  ['garbage', garbage, 'feed_refused', ''],
]

for (const [name, listener, code, detail] of broken) {
  test(`a manifest that is ${name}: no feed, a clear report, and recovery by the next one`, async (t) => {
    const realm = await TestRealm.start(t)
    realm.instead.set('manifest', listener)
    const gate = createGate(realm.options())
    t.after(() => gate.close())
    const token = await realm.token()
    assert.deepEqual(await gate.check(token), { ok: false, reason: 'no_feed', status: 503 })
    const [report] = realm.reports
    assert.equal(report?.kind, 'feed')
    assert.equal(report?.realm, 'acme')
    assert.equal(report?.error.code, code)
    if (detail !== '') {
      assert.equal(report?.error.detail, detail)
      assert.ok(report?.error.message.includes(new URL(realm.server.url).host), report?.error.message)
    }
    assert.ok(!report?.error.message.includes('s3cret'))
    if (detail !== '')
      assert.match(report?.error.message ?? '', /: (check|configure|look|is|feed\.credential) /, 'it names the fix')
    realm.instead.clear()
    await assert.doesNotReject(gate.refresh())
    assert.ok((await gate.check(token)).ok)
  })

  test(`a delta that is ${name}: the old state stays in use`, async (t) => {
    const realm = await TestRealm.start(t)
    const gate = createGate(realm.options())
    t.after(() => gate.close())
    const [alice, bob] = [await realm.token(), await realm.token({ sub: 'bob' })]
    realm.record({ kind: 'user', subject: 'bob' })
    assert.ok((await gate.check(alice)).ok)
    const before = gate.status()
    realm.instead.set('deltas', listener)
    realm.instead.set('manifest', listener)
    await assert.rejects(gate.refresh(), { name: 'PortcullisError' })
    assert.deepEqual(
      gate.status().map(({ sequence }) => sequence),
      before.map(({ sequence }) => sequence),
    )
    assert.ok(gate.checkSync(alice).ok)
    assert.equal(gate.checkSync(bob).ok, false)
  })
}

test('an unreachable feed', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  await realm.server.close()
  await assert.rejects(gate.refresh(), { code: 'feed_unreachable', detail: 'network' })
})

test('deltas are pulled once something is loaded; if they are gone, the manifest', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  await gate.refresh()
  realm.server.hits.length = 0
  realm.record({ kind: 'user', subject: 'bob' })
  await gate.refresh()
  assert.deepEqual(realm.server.hits, ['/feed/acme/deltas?after=0&minor=1'])
  assert.equal(gate.status()[0]?.sequence, realm.ledger.head().sequence)
  for (const status of [410, 404]) {
    realm.server.hits.length = 0
    realm.record({ kind: 'user', subject: `carol-${status}` })
    realm.instead.set('deltas', json({}, status))
    await gate.refresh()
    assert.equal(realm.server.count('/manifest'), 1)
    assert.equal(gate.status()[0]?.sequence, realm.ledger.head().sequence)
    realm.instead.clear()
  }
})

test('an origin behind the gate is reported as such', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  await gate.refresh()
  realm.instead.set('deltas', json({ error: 'ahead' }, 409))
  await assert.rejects(gate.refresh(), { code: 'feed_refused', detail: 'ahead' })
})

test('a statement from the future is reported as a clock failure', async (t) => {
  const realm = await TestRealm.start(t)
  realm.statedSecondsAgo = -100
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  await assert.rejects(gate.refresh(), { code: 'feed_refused', detail: 'from_future' })
  assert.equal(realm.reports[0]?.kind, 'clock')
})

test('missing sections cause a fetch of the newer manifest', async (t) => {
  const realm = await TestRealm.start(t)
  for (let i = 0; i < 50; i++) realm.record({ kind: 'token', tokenId: `t-${i}`, expiresAt: clock() + 600 })
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  let gone = 0
  realm.instead.set('sections', (request, response) => {
    gone += 1
    realm.instead.delete('sections')
    json({}, 404)(request, response)
  })
  assert.ok((await gate.check(await realm.token())).ok)
  assert.equal(gone, 1)
  assert.equal(realm.server.count('/manifest'), 2)
  assert.equal((await gate.check(await realm.token({ jti: 't-7' }))).ok, false)
})

test('a token waits only for its own sections; the others arrive in the background', async (t) => {
  const realm = await TestRealm.start(t)
  const soon = clock() + 600
  for (let i = 0; i < 500; i++) realm.record({ kind: 'token', tokenId: `t-${i}`, expiresAt: soon + i * 100 })
  const asked: string[] = []
  let holding = true
  const held: (() => void)[] = []
  const options = realm.options({
    async fetch(input, init) {
      const name = new URL(String(input)).pathname.split('/').at(-1) ?? ''
      if (name.length === 64) {
        asked.push(name)
        // All but the first only arrive when the test releases them.
        if (asked.length > 1 && holding) await new Promise<void>((resolve) => held.push(resolve))
      }
      return fetch(input, init)
    },
  })
  const gate = createGate(options)
  t.after(() => gate.close())
  const token = await realm.token({ exp: soon + 30_000 })
  const behind: Promise<unknown>[] = []
  assert.ok((await gate.check(token, { waitUntil: (promise) => void behind.push(promise) })).ok)
  // The token's own section was requested first, although the manifest lists others before it.
  assert.equal(asked.length, 5)
  assert.equal(gate.checkSync(await realm.token({ exp: soon })).ok, false)
  const other = gate.check(await realm.token({ exp: soon }))
  const revoked = gate.check(await realm.token({ jti: 't-1', exp: soon + 100 }))
  holding = false
  for (const letGo of held) letGo()
  assert.ok((await other).ok)
  assert.deepEqual(await revoked, { ok: false, reason: 'token_revoked', status: 401 })
  await Promise.all(behind)
  assert.ok(asked.length > 90)
  assert.equal(new Set(asked).size, asked.length)
  assert.equal(gate.checkSync(await realm.token({ exp: soon })).ok, true)
})

test('a section whose hash differs from its name is refused, by every hash implementation', async (t) => {
  const realm = await TestRealm.start(t)
  const soon = clock() + 600
  realm.record({ kind: 'token', tokenId: 't', expiresAt: soon })
  const gate = createGate(
    realm.options({
      async fetch(input, init) {
        const response = await fetch(input, init)
        if (!String(input).includes('/sections/')) return response
        const bytes = new Uint8Array(await response.arrayBuffer())
        bytes[40] = (bytes[40] ?? 0) ^ 1
        return new Response(bytes)
      },
    }),
  )
  t.after(() => gate.close())
  assert.deepEqual(await gate.check(await realm.token({ exp: soon })), { ok: false, reason: 'stale_feed', status: 503 })
  assert.equal(
    realm.reports.some(({ error }) => error?.detail === 'sections_missing'),
    true,
  )
})

test('without its sections a manifest accepts no token', async (t) => {
  const realm = await TestRealm.start(t)
  for (let i = 0; i < 50; i++) realm.record({ kind: 'token', tokenId: `t-${i}`, expiresAt: clock() + 600 })
  realm.instead.set('sections', silent())
  const gate = createGate(realm.options({ firstLoadTimeoutMs: 300 }))
  t.after(() => gate.close())
  assert.deepEqual(await gate.check(await realm.token({ exp: clock() + 600 })), {
    ok: false,
    reason: 'stale_feed',
    status: 503,
  })
})

test('an unreachable origin is retried with increasing pauses', async (t) => {
  let now = Date.now()
  t.mock.method(Date, 'now', () => now)
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options({ refreshAfterSeconds: 0, waitAfterSeconds: 1000 }))
  t.after(() => gate.close())
  const token = await realm.token()
  const check = async (): Promise<void> => {
    const refreshes: Promise<unknown>[] = []
    assert.ok((await gate.check(token, { waitUntil: (refresh) => void refreshes.push(refresh) })).ok)
    await Promise.all(refreshes)
  }
  await check()
  realm.server.hits.length = 0
  realm.instead.set('deltas', page(500))
  for (const endMs = now + 2000; now < endMs; now += 10) await check()
  assert.equal(realm.server.hits.length, 3, 'at 0, 500 and 1500 ms')
})

test('even waiting requests do not flood an unreachable origin', async (t) => {
  let now = Date.now()
  t.mock.method(Date, 'now', () => now)
  const realm = await TestRealm.start(t)
  realm.instead.set('manifest', page(500))
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  const token = await realm.token()
  for (const endMs = now + 1000; now < endMs; now += 10) assert.equal((await gate.check(token)).ok, false)
  assert.equal(realm.server.hits.length, 4, 'at 0, 250, 500 and 750 ms')
})

test("the credential is sent to the feed only; acknowledgements have the gate's position", async (t) => {
  const realm = await TestRealm.start(t)
  const seen: (string | undefined)[] = []
  const answer = realm.server.listener
  realm.server.listener = (request, response) => {
    if (!request.url?.includes('/acks')) seen.push(`${request.url} ${request.headers.authorization}`)
    answer(request, response)
  }
  const feed = {
    url: realm.feedUrl,
    keys: [realm.feedKey],
    credential: 'read-me',
    acknowledge: { edge: 'edge-1', secret: 'ack-me' },
  }
  const gate = createGate(realm.options({}, { jwks: `${realm.server.url}/certs`, feed }))
  t.after(() => gate.close())
  assert.ok((await gate.check(await realm.token())).ok)
  realm.record({ kind: 'user', subject: 'bob' })
  await gate.refresh()
  const deadline = Date.now() + 2000
  while (realm.acknowledged.length < 2 && Date.now() < deadline) await pause(10)
  const { sequence, chain } = realm.ledger.head()
  const { issuedAt } = realm.acknowledged.at(-1) as { issuedAt: number }
  assert.ok(Math.abs(issuedAt - Date.now() / 1000) < 5, 'it tells when the state was stated')
  assert.deepEqual(realm.acknowledged.at(-1), {
    edge: 'edge-1',
    sequence,
    chain,
    issuedAt,
    authorization: 'Bearer ack-me',
  })
  for (const line of seen) assert.match(line ?? '', /certs undefined$|\/feed\/.* Bearer read-me$/)
  await gate.refresh()
  assert.equal(realm.acknowledged.length, 2)
})

test('reports an origin that accepts no acknowledgements by its host, for every kind of failure', async (t) => {
  const realm = await TestRealm.start(t)
  const failures: [typeof fetch, RegExp][] = [
    [async () => new Response(null, { status: 401 }), /responded with 401 to an acknowledgement/],
    [async () => Promise.reject(new TypeError('fetch failed')), /could not be reached for an acknowledgement/],
  ]
  for (const [answer, message] of failures) {
    const feed = { url: realm.feedUrl, keys: [realm.feedKey], acknowledge: { edge: 'edge-1', secret: 'ack-me' } }
    const toAcks: typeof fetch = (url, init) => (String(url).includes('/acks') ? answer(url, init) : fetch(url, init))
    const gate = createGate(realm.options({ fetch: toAcks }, { feed }))
    t.after(() => gate.close())
    await gate.refresh()
    const deadline = Date.now() + 3000
    while (realm.reports.length === 0 && Date.now() < deadline) await pause(10)
    const report = realm.reports.pop()
    assert.equal(report?.error.detail, 'acknowledgement')
    assert.match(report?.error.message ?? '', message)
    assert.ok(!report?.error.message.includes('ack-me'))
  }
})
