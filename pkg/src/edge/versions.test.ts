// An edge and an origin that are a minor version apart.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createGate } from '../entry/edge/node.ts'
import { json, type Listener, page } from '../test-fixtures/server.ts'
import { WIRE_MINOR } from './feed/protocol.ts'
import { clock, TestRealm } from './testing/realm.ts'
import { asOfMinor } from './testing/statements.ts'

async function started(t: TestContext) {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  const ask = async (sub: string) => {
    const verdict = await gate.check(await realm.token({ sub, exp: clock() + 600 }))
    return verdict.ok ? 'accepted' : verdict.reason
  }
  return { realm, gate, ask }
}

/** Returns the statement as made by the next minor version, with an unknown block. */
function fromNextMinor(realm: TestRealm, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const block = Buffer.alloc(8 + 5)
  // Kind 999, not critical, five bytes.
  block.writeUInt16LE(999, 0)
  block.writeUInt32LE(5, 4)
  return asOfMinor(realm, bytes, WIRE_MINOR + 1, block)
}

const octets =
  (bytes: () => Uint8Array): Listener =>
  (_, response) =>
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'x-of-a-later-version': 'yes' }).end(bytes())

test('an older edge follows a newer origin: by manifest, by delta, by push', async (t) => {
  const { realm, gate, ask } = await started(t)
  realm.record({ kind: 'user', subject: 'bob' })
  realm.instead.set(
    'manifest',
    octets(() => fromNextMinor(realm, realm.manifest())),
  )
  assert.equal(await ask('bob'), 'user_revoked')
  const known = realm.ledger.head().sequence
  realm.record({ kind: 'user', subject: 'carol' })
  realm.instead.set(
    'deltas',
    octets(() => fromNextMinor(realm, realm.delta(known))),
  )
  await gate.refresh()
  assert.equal(await ask('carol'), 'user_revoked')
  realm.record({ kind: 'user', subject: 'dave' })
  const body = fromNextMinor(realm, realm.delta(known))
  assert.equal((await gate.receiveFeed(new Request('http://edge.example/', { method: 'POST', body }))).status, 200)
  assert.equal(await ask('dave'), 'user_revoked')
  assert.equal(await ask('alice'), 'accepted')
  assert.deepEqual(realm.reports, [])
})

test('a newer edge follows an older origin that lacks routes', async (t) => {
  const realm = await TestRealm.start(t)
  for (const route of ['deltas', 'stream', 'acks']) realm.instead.set(route, json({ error: 'not_found' }, 404))
  const acknowledge = { edge: 'edge-1', secret: 'secret' }
  const gate = createGate(
    realm.options({}, { feed: { url: realm.feedUrl, keys: [realm.feedKey], mode: 'stream', acknowledge } }),
  )
  t.after(() => gate.close())
  assert.ok((await gate.check(await realm.token({ sub: 'bob' }))).ok)
  realm.record({ kind: 'user', subject: 'bob' })
  await gate.refresh()
  const verdict = await gate.check(await realm.token({ sub: 'bob' }))
  assert.equal(verdict.ok ? 'accepted' : verdict.reason, 'user_revoked')
})

test('a later major version is refused with the fix; the old state stays in use', async (t) => {
  const { realm, gate, ask } = await started(t)
  assert.equal(await ask('bob'), 'accepted')
  const major = realm.manifest()
  major[4] = 2
  for (const route of ['deltas', 'manifest'])
    realm.instead.set(
      route,
      octets(() => major),
    )
  await assert.rejects(gate.refresh(), { code: 'feed_refused', detail: 'unsupported_version', message: /upgrade/ })
  assert.equal(await ask('bob'), 'accepted')
  realm.instead.set('manifest', page(500))
})
