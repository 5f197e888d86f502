// Each feed request of a gate names its minor version in the query, so that a cache keeps the forms apart.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createGate } from '../../entry/edge/node.ts'
import type { FeedOptions, Gate } from '../../types.ts'
import { clock, TestRealm } from '../testing/realm.ts'
import { feedUrl, WIRE_MINOR } from './protocol.ts'

/** A gate without `jwks`, so that it requests lookups as well. */
function gateFor(t: TestContext, realm: TestRealm, feed: Partial<FeedOptions> = {}): Gate {
  const { jwks: _, ...options } = realm.realmOptions()
  const given = { ...options.feed, acknowledge: { edge: 'edge-1', secret: 'secret' }, ...feed }
  const gate = createGate({
    ...realm.options({ refreshAfterSeconds: 1000, waitAfterSeconds: 1000 }),
    realms: [{ ...options, feed: given }],
  })
  t.after(() => gate.close())
  return gate
}

/** The part of a feed that a URL names, and the minor versions in its query. */
function askedFor(hit: string): [string, string] {
  const { pathname, searchParams } = new URL(hit, 'http://origin.example')
  return [pathname.split('/')[3] ?? '', searchParams.getAll('minor').join()]
}

test('manifest, sections, deltas, acknowledgements, lookups and the stream name it', async (t) => {
  const realm = await TestRealm.start(t)
  realm.record({ kind: 'keys', jwks: JSON.stringify(realm.jwks) })
  for (let i = 0; i < 100; i++) realm.record({ kind: 'token', tokenId: `t-${i}`, expiresAt: clock() + 600 })
  const pulling = gateFor(t, realm)
  assert.ok((await pulling.check(await realm.token())).ok)
  await pulling.refresh()
  await pulling.check(await realm.token({}, await realm.rotate('second')))
  await gateFor(t, realm, { mode: 'stream' }).check(await realm.token())
  const deadline = Date.now() + 15_000
  const parts = (): string[] => [...new Set(realm.server.hits.map((hit) => askedFor(hit)[0]))].sort()
  while (parts().length < 6 && Date.now() < deadline) await pause(10)
  assert.deepEqual(parts(), ['acks', 'deltas', 'look', 'manifest', 'sections', 'stream'])
  assert.deepEqual(
    realm.server.hits.filter((hit) => askedFor(hit)[1] !== String(WIRE_MINOR)),
    [],
  )
})

test("the feed's own query is kept, except for a minor version in it", () => {
  const url = new URL('https://origin.example/feed/acme/?tenant=7&minor=0&minor=99')
  assert.equal(
    feedUrl({ url }, 'deltas', { after: '5' }).href,
    'https://origin.example/feed/acme/deltas?tenant=7&minor=1&after=5',
  )
})
