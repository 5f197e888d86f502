// Edges of two minor versions behind one cache, and requests for unknown minor versions: each edge gets its own form or
// refuses the other.

import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'
import type { Gate, Report } from 'portcullis/edge'
import { setClock } from './clock.ts'
import { openCache, type Cache } from './fixtures/a120da2/cache.ts'
import { LATER, PLAIN, publicKeys } from './fixtures/a120da2/every-kind.ts'
import { walk } from './fixtures/a120da2/fleet.ts'
import { openStage, TODAY, verdictOf, type Parts, type RunningOrigin, type Stage } from './fixtures/a120da2/stage.ts'
import { signWatched, STEPS, type Watched } from './fixtures/a120da2/steps.ts'

/** A cache that ignores the query keeps responses until the test clears it. */
const KEEP_MS = 600_000

let stage: Stage

before(async () => {
  stage = await openStage(LATER.at)
})

after(() => stage.close())

test('one cache serves each edge its own form, after every step', async (t) => {
  let cache: Cache | undefined
  const via = async (origin: string): Promise<string> => {
    cache = await openCache(t, origin, { keepMs: 50 })
    return cache.url
  }
  await walk(t, stage, STEPS, { transport: 'pull', via })
  assert.ok((cache?.hits() ?? 0) > 100, 'the cache was hardly used')
})

test('a cache that ignores the query: an edge of a120da2 refuses form 1.1, and accepts no token', async (t) => {
  const { origin, tokens } = await withGrant(t)
  const cache = await openCache(t, origin.url, { keyedBy: 'path', keepMs: KEEP_MS })
  const today = gateBehind(t, TODAY, cache)
  assert.equal(await verdictOf(today.gate, tokens['grant by azp'] ?? ''), 'grant_revoked')

  const old = gateBehind(t, stage.old, cache)
  for (const name of ['grant by azp', 'another app', 'bystander'])
    assert.equal(await verdictOf(old.gate, tokens[name] ?? ''), 'no_feed', name)
  assert.ok(old.reports.some(isRefusedFeed))
})

test('a cache that ignores the query: an edge of a120da2 keeps the state that it has, and reports the refusal', async (t) => {
  const { origin, tokens } = await withGrant(t)
  const cache = await openCache(t, origin.url, { keyedBy: 'path', keepMs: KEEP_MS })
  const old = gateBehind(t, stage.old, cache)
  await old.gate.refresh()
  cache.clear()
  const today = gateBehind(t, TODAY, cache)
  await today.gate.refresh()
  const { sequence } = old.gate.status()[0] ?? assert.fail('no realm')
  await origin.origin.endGrant(PLAIN.name, 'another', 'app')
  cache.clear()
  await today.gate.refresh()
  assert.ok((today.gate.status()[0]?.sequence ?? 0) > sequence)

  await assert.rejects(old.gate.refresh(), { code: 'feed_refused' })
  assert.equal(old.gate.status()[0]?.sequence, sequence)
  assert.equal(await verdictOf(old.gate, tokens['another app'] ?? ''), 'user_revoked')
  assert.equal(await verdictOf(old.gate, tokens['bystander'] ?? ''), 'accepted')
})

test('a cache that ignores the query: an edge of today that gets form 1.0 refuses more, until it gets its own form', async (t) => {
  const { origin, tokens } = await withGrant(t)
  const cache = await openCache(t, origin.url, { keyedBy: 'path', keepMs: KEEP_MS })
  const old = gateBehind(t, stage.old, cache)
  const overKilled = tokens['another app'] ?? ''
  assert.equal(await verdictOf(old.gate, overKilled), 'user_revoked')

  const today = gateBehind(t, TODAY, cache)
  await today.gate.refresh()
  assert.equal(await verdictOf(today.gate, tokens['grant by azp'] ?? ''), 'user_revoked')
  assert.equal(await verdictOf(today.gate, overKilled), 'user_revoked')
  assert.equal(await verdictOf(today.gate, tokens['bystander'] ?? ''), 'accepted')

  // The first response announces a newer form; the gate fetches a manifest of that form ten seconds after the last one.
  t.after(setClock(Date.now() / 1000 + 15))
  for (let pull = 0; pull < 2; pull += 1) {
    cache.clear()
    await today.gate.refresh()
  }
  assert.equal(await verdictOf(today.gate, tokens['grant by azp'] ?? ''), 'grant_revoked')
  assert.equal(await verdictOf(today.gate, overKilled), 'accepted')
})

test('a later minor version gets the newest form; anything but a whole number is refused', async (t) => {
  const { origin } = await withGrant(t)
  const feed = `${origin.url}/feed/${PLAIN.name}`
  const { sequence } = origin.origin.status().find(({ realm }) => realm === PLAIN.name) ?? assert.fail('no realm')
  const etags = new Map<string, string | null>()
  const forms = { '': 0, 'minor=0': 0, 'minor=1': 1, 'minor=2': 1, 'minor=99': 1, 'minor=255': 1, 'minor=256': 1 }
  for (const [query, form] of Object.entries(forms)) {
    for (const path of ['manifest', `deltas?after=${sequence - 1}`]) {
      const response = await fetch(`${feed}/${path}${path.includes('?') ? '&' : '?'}${query}`)
      assert.equal(response.status, 200, `${path} ${query}`)
      etags.set(query, response.headers.get('etag') ?? etags.get(query) ?? null)
      // Bytes 4 and 5 of a statement are its major and minor version.
      assert.deepEqual([...new Uint8Array(await response.arrayBuffer()).subarray(4, 6)], [1, form], `${path} ${query}`)
    }
  }
  assert.notEqual(etags.get('minor=0'), etags.get('minor=1'))
  const other = await fetch(`${feed}/manifest?minor=1`, { headers: { 'if-none-match': etags.get('minor=0') ?? '' } })
  assert.equal(other.status, 200)
  await other.body?.cancel()

  const refused = [
    'minor=x',
    'minor=',
    'minor=-1',
    'minor=1.5',
    'minor=1e0',
    'minor=0x1',
    'minor=1&minor=0',
    `minor=${'9'.repeat(400)}`,
  ]
  for (const query of refused) {
    for (const path of ['manifest', `deltas?after=${sequence}`, 'stream']) {
      const response = await fetch(`${feed}/${path}${path.includes('?') ? '&' : '?'}${query}`)
      const body = (await response.json()) as { error?: string }
      assert.deepEqual([response.status, body.error], [400, 'invalid_request'], `${path} ${query}`)
    }
  }
})

function isRefusedFeed({ kind, error }: Report): boolean {
  return kind === 'feed' && error.code === 'feed_refused'
}

/** Starts an origin that has recorded the end of a grant. */
async function withGrant(t: TestContext): Promise<{ origin: RunningOrigin; tokens: Watched }> {
  const origin = await stage.startOrigin(t, TODAY, await stage.database(`${t.name.slice(0, 20)}.db`))
  const tokens = await signWatched(stage.keys)
  const grant = STEPS.find(({ what }) => what === 'grant')
  await grant?.record(origin.origin, { keys: stage.keys, tokens, addKey: () => undefined })
  return { origin, tokens }
}

/** Creates a gate with configured keys, so that only the feed's state can be missing. */
function gateBehind(t: TestContext, parts: Parts, cache: Cache): { gate: Gate; reports: Report[] } {
  const reports: Report[] = []
  const realm = { ...PLAIN, jwks: publicKeys(stage.keys) }
  const gate = stage.openGate(t, parts, cache.url, { realm, options: { onReport: (report) => reports.push(report) } })
  return { gate, reports }
}
