// A gate without `jwks`: its keys come with the feed.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setImmediate as settled, setTimeout as pause } from 'node:timers/promises'
import { createGate } from '../../entry/edge/node.ts'
import { generateFeedKey } from '../../../wasm/origin/core.js'
import { json, page, silent } from '../../test-fixtures/server.ts'
import { systemNowMs } from '../../timing/clock.ts'
import type { Gate, GateOptions, JWK, RealmOptions } from '../../types.ts'
import { TestRealm } from '../testing/realm.ts'
import { FeedKeyLookup } from './key-lookup.ts'
import type { FeedSubscriber } from './subscriber.ts'

/** The set as carried by the feed. */
function publish(realm: TestRealm): void {
  realm.record({ kind: 'keys', jwks: JSON.stringify(realm.jwks) })
}

function gateFor(
  t: TestContext,
  realm: TestRealm,
  more: Partial<GateOptions> = {},
  feed: Partial<RealmOptions['feed']> = {},
): Gate {
  const { jwks: _, ...options } = realm.realmOptions()
  const gate = createGate({ ...realm.options(more), realms: [{ ...options, feed: { ...options.feed, ...feed } }] })
  t.after(() => gate.close())
  return gate
}

async function reasonOf(gate: Gate, token: string): Promise<string> {
  const verdict = await gate.check(token)
  return verdict.ok ? 'accepted' : verdict.reason
}

async function failures(gate: Gate, token: string): Promise<(string | undefined)[]> {
  return (await gate.explain(token)).filter(({ outcome }) => outcome === 'failed').map(({ reason }) => reason)
}

test('a failing feed is reported as such, not the keys that it carries', async (t) => {
  const realm = await TestRealm.start(t)
  publish(realm)
  const token = await realm.token()
  const { publicKey } = generateFeedKey() as { publicKey: JWK }
  const down = await TestRealm.start(t)
  const downUrl = down.feedUrl
  await down.server.close()
  const broken = await TestRealm.start(t)
  broken.instead.set('manifest', page(502))
  const sections = await TestRealm.start(t)
  sections.instead.set('manifest', json({}))
  const gates: [string, Gate][] = [
    ['another feed key', gateFor(t, realm, {}, { keys: [publicKey] })],
    ['an origin that is down', gateFor(t, realm, {}, { url: downUrl })],
    ['an error page', gateFor(t, realm, {}, { url: broken.feedUrl })],
    ['something else', gateFor(t, realm, {}, { url: sections.feedUrl })],
  ]
  for (const [what, gate] of gates) {
    assert.deepEqual(await gate.check(token), { ok: false, reason: 'no_feed', status: 503 }, what)
    const synchronous = gate.checkSync(token)
    assert.equal(synchronous.ok ? 'accepted' : synchronous.reason, 'no_feed', what)
    assert.deepEqual(await failures(gate, token), ['no_feed'], what)
  }
  assert.equal(await reasonOf(gateFor(t, realm), token), 'accepted')
})

test('a feed without keys is reported as keys_unavailable', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = gateFor(t, realm, { firstLoadTimeoutMs: 300 })
  // On a busy machine the feed itself may take longer than that.
  await gate.refresh()
  const startedAtMs = Date.now()
  assert.equal(await reasonOf(gate, await realm.token()), 'keys_unavailable')
  assert.ok(Date.now() - startedAtMs >= 290, 'the first token waits for the first keys')
  assert.equal(await reasonOf(gate, await realm.token()), 'keys_unavailable')
})

test('tokens wait for the first keys until firstLoadTimeoutMs after these were first missed', async (t) => {
  t.mock.timers.enable({ apis: ['Date', 'setTimeout'], now: 1_000_000 })
  const state = { hasKeys: false }
  const subscriber = {
    settings: { url: new URL('https://origin.example/feed/acme'), credential: undefined },
    runtime: { fetch: async () => new Response(null, { status: 204 }), shareFlights: true, nowMs: systemNowMs },
    state,
  }
  const options = { firstLoadTimeoutMs: 300, jwksTimeoutMs: 5000, refreshTimeoutMs: 5000 }
  const lookup = new FeedKeyLookup(subscriber as unknown as FeedSubscriber, options, async () => undefined)
  /** How long a token waits on the mocked clock if it may wait for that time. */
  const waitedMs = async (mostMs: number): Promise<number> => {
    const startedAtMs = Date.now()
    let isOver = false
    void lookup.awaitFirstKeys(startedAtMs + mostMs).then(() => (isOver = true))
    for (await settled(); !isOver; await settled()) t.mock.timers.tick(1)
    return Date.now() - startedAtMs
  }
  // The first token's feed took 100 ms: the token waits for the rest of its time, the next one for the remaining 100
  // ms.
  assert.deepEqual([await waitedMs(200), await waitedMs(300), await waitedMs(300)], [200, 100, 0])
  // Keys that have expired are missed again.
  state.hasKeys = true
  assert.equal(await waitedMs(300), 0)
  state.hasKeys = false
  assert.deepEqual([await waitedMs(300), await waitedMs(300)], [300, 0])
})

test('the first token waits for keys that arrive soon after the feed', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = gateFor(t, realm)
  const verdict = reasonOf(gate, await realm.token())
  while (realm.server.count('/manifest') === 0) await pause(5)
  await pause(100)
  publish(realm)
  assert.equal(await verdict, 'accepted')
})

test("an unknown key causes a lookup by the origin, without the key's id", async (t) => {
  const realm = await TestRealm.start(t)
  publish(realm)
  const asked: unknown[][] = []
  realm.instead.set('look', (request, response) => {
    const { authorization, 'content-length': length = '0' } = request.headers
    asked.push([request.method, request.url, authorization, length])
    publish(realm)
    response.writeHead(204).end()
  })
  const gate = gateFor(t, realm, { refreshAfterSeconds: 1_000, waitAfterSeconds: 1_000 }, { credential: 'reader' })
  assert.equal(await reasonOf(gate, await realm.token()), 'accepted')
  assert.deepEqual(asked, [])
  const second = await realm.rotate('secret-kid')
  assert.equal(await reasonOf(gate, await realm.token({}, second)), 'accepted')
  assert.deepEqual(asked, [['POST', '/feed/acme/look?minor=1', 'Bearer reader', '0']])
  assert.ok(!JSON.stringify(realm.reports).includes('secret-kid'))
})

test('after a failed lookup, or without lookups, the feed is refreshed', async (t) => {
  for (const answer of [undefined, page(404), page(405), page(503), silent()]) {
    const realm = await TestRealm.start(t)
    publish(realm)
    if (answer !== undefined) realm.instead.set('look', answer)
    const gate = gateFor(t, realm, { refreshAfterSeconds: 1_000, waitAfterSeconds: 1_000, jwksTimeoutMs: 400 })
    assert.equal(await reasonOf(gate, await realm.token()), 'accepted')
    const second = await realm.rotate('second')
    publish(realm)
    assert.equal(await reasonOf(gate, await realm.token({}, second)), 'accepted')
  }
})

test('at most 64 tokens wait for a lookup; others are refused immediately', async (t) => {
  const realm = await TestRealm.start(t)
  publish(realm)
  const gate = gateFor(t, realm, { refreshAfterSeconds: 1_000, waitAfterSeconds: 1_000 })
  assert.equal(await reasonOf(gate, await realm.token()), 'accepted')
  const [key] = realm.keys
  assert.ok(key !== undefined)
  const tokens = await Promise.all(
    Array.from({ length: 200 }, (_, index) => realm.token({}, { ...key, kid: `made up ${index}` })),
  )
  let release = (): void => undefined
  realm.instead.set('look', (_, response) => {
    release = () => void response.writeHead(204).end()
  })
  let answered = 0
  const verdicts = tokens.map(async (token) => {
    const reason = await reasonOf(gate, token)
    answered += 1
    return reason
  })
  while (realm.server.count('/look') === 0) await pause(5)
  await pause(50)
  assert.equal(answered, 200 - 64)
  assert.equal(await reasonOf(gate, await realm.token()), 'accepted', 'good tokens are not held up')
  release()
  assert.deepEqual([...new Set(await Promise.all(verdicts))], ['unknown_key'])
  assert.equal(realm.server.count('/look'), 1)
})
