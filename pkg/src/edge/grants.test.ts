// A disconnected app, and a key with a not-before, at the gate; and a state that arrived in the form for older gates.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { calculateJwkThumbprint } from 'jose'
import { createGate } from '../entry/edge/node.ts'
import type { Gate, GateOptions, RealmOptions, Verdict } from '../types.ts'
import { clock, TestRealm } from './testing/realm.ts'
import { testGrants } from './testing/grants.ts'

const SECRET = 'known to the origin and to this edge'

testGrants(createGate)

function reasonOf(verdict: Verdict): string {
  return verdict.ok ? 'accepted' : verdict.reason
}

/** Returns a gate that fetches nothing in the background and accepts pushes. */
function gateFor(
  t: TestContext,
  realm: TestRealm,
  more: Partial<GateOptions> = {},
  feed: Partial<RealmOptions['feed']> = {},
): Gate {
  const given = { ...realm.realmOptions().feed, acknowledge: { edge: 'edge-1', secret: SECRET }, ...feed }
  const calm = { refreshAfterSeconds: 1000, waitAfterSeconds: 1000, maxStaleSeconds: 1000 }
  const gate = createGate(realm.options({ ...calm, ...more }, { feed: given }))
  t.after(() => gate.close())
  return gate
}

async function push(gate: Gate, body: Uint8Array<ArrayBuffer>): Promise<number> {
  const behind: Promise<unknown>[] = []
  const headers = { authorization: `Bearer ${SECRET}` }
  const request = new Request('https://edge.example/portcullis/feed', { method: 'POST', body, headers })
  const { status } = await gate.receiveFeed(request, { waitUntil: (promise) => void behind.push(promise) })
  await Promise.all(behind)
  return status
}

function minorOf(gate: Gate): number | undefined {
  return gate.status()[0]?.minor
}

/** The tokens of a user who has disconnected one of two apps, and of another user. */
async function tokens(realm: TestRealm): Promise<[string, string, string]> {
  return [
    await realm.token({ azp: 'agent' }),
    await realm.token({ azp: 'shop' }),
    await realm.token({ azp: 'agent', sub: 'bob' }),
  ]
}

async function reasons(gate: Gate, all: readonly string[]): Promise<string[]> {
  return Promise.all(all.map(async (token) => reasonOf(await gate.check(token))))
}

const OVERKILL = ['user_revoked', 'user_revoked', 'accepted']
const EXACT = ['grant_revoked', 'accepted', 'accepted']

test('a push in the older form refuses the whole user; the next pull remedies that with one more request', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = gateFor(t, realm)
  const all = await tokens(realm)
  // Makes the pull return a later statement.
  realm.statedSecondsAgo = 5
  assert.equal(await push(gate, realm.manifest(0)), 200)
  realm.record({ kind: 'grant', subject: 'alice', client: 'agent' })
  assert.equal(await push(gate, realm.delta(0, 0)), 200)
  assert.deepEqual([minorOf(gate), await reasons(gate, all)], [0, OVERKILL])
  assert.equal(realm.server.count('/manifest'), 0)
  realm.statedSecondsAgo = 0
  await gate.refresh()
  assert.deepEqual([minorOf(gate), await reasons(gate, all)], [1, EXACT])
  await gate.refresh()
  assert.deepEqual([realm.server.count('/deltas'), realm.server.count('/manifest')], [2, 1])
  assert.deepEqual(realm.reports, [])
})

test('the next push in the newer form remedies it too, and is acknowledged at once', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = gateFor(t, realm)
  const all = await tokens(realm)
  assert.equal(await push(gate, realm.manifest(0)), 200)
  realm.record({ kind: 'grant', subject: 'alice', client: 'agent' })
  assert.equal(await push(gate, realm.delta(0, 0)), 200)
  assert.deepEqual(await reasons(gate, all), OVERKILL)
  realm.record({ kind: 'user', subject: 'carol' })
  assert.equal(await push(gate, realm.delta(1)), 200)
  assert.deepEqual([minorOf(gate), await reasons(gate, all)], [1, EXACT])
  assert.equal(realm.server.count('/manifest'), 1)
  const acknowledged = realm.acknowledged as { sequence: number }[]
  assert.deepEqual(
    acknowledged.map(({ sequence }) => sequence),
    [0, 1, 2],
  )
  // The state keeps its form.
  realm.record({ kind: 'user', subject: 'dave' })
  assert.equal(await push(gate, realm.delta(2)), 200)
  assert.equal(realm.server.count('/manifest'), 1)
})

test('a stream remedies it too', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = gateFor(t, realm, {}, { mode: 'stream' })
  const all = await tokens(realm)
  let send: ((bytes: Uint8Array) => void) | undefined
  realm.instead.set('stream', (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': welcome\n\n')
    send = (bytes) => void response.write(`event: feed\nid: 1\ndata: ${Buffer.from(bytes).toString('base64')}\n\n`)
  })
  realm.record({ kind: 'grant', subject: 'alice', client: 'agent' })
  // The origin is of the earlier version at first.
  realm.minor = 0
  await gate.refresh()
  assert.deepEqual([minorOf(gate), await reasons(gate, all)], [0, OVERKILL])
  const until = async (what: string, met: () => boolean): Promise<void> => {
    const deadline = Date.now() + 15_000
    for (; !met(); await pause(10)) assert.ok(Date.now() < deadline, `never: ${what}`)
  }
  await until('connected', () => send !== undefined)
  realm.minor = 1
  realm.record({ kind: 'user', subject: 'carol' })
  send?.(realm.delta(1))
  await until('healed', () => minorOf(gate) === 1)
  assert.deepEqual(await reasons(gate, all), EXACT)
})

test('a cache that ignores the query costs one more manifest, not one each time', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = gateFor(t, realm)
  realm.record({ kind: 'grant', subject: 'alice', client: 'agent' })
  realm.instead.set(
    'manifest',
    (_, response) =>
      void response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(realm.manifest(0)),
  )
  const startedAtMs = Date.now()
  for (let i = 0; i < 10; i++) {
    realm.record({ kind: 'user', subject: `user-${i}` })
    await gate.refresh()
  }
  assert.deepEqual([minorOf(gate), await reasons(gate, await tokens(realm))], [0, OVERKILL])
  const asked = realm.server.count('/manifest')
  // Every ten seconds one for the form, and one because of many changes.
  assert.ok(asked <= 2 + (2 * (Date.now() - startedAtMs)) / 10_000, `${asked} manifests`)
})

test("an app's not-before is refused by the claim that grantClaim names alone", async (t) => {
  const realm = await TestRealm.start(t, 'acme', { grantClaim: 'app' })
  const gate = createGate(realm.options({}, { grantClaim: 'app' }))
  t.after(() => gate.close())
  realm.record({ kind: 'grant', subject: 'alice', client: 'agent' })
  const claims = [
    { app: 'agent' },
    { app: 'shop', azp: 'agent' },
    { azp: 'agent' },
    { client_id: 'agent' },
    { app: 'agent', sub: 'bob' },
    {},
  ]
  const all = await Promise.all(claims.map((more) => realm.token(more)))
  assert.deepEqual(await reasons(gate, all), [
    'grant_revoked',
    'accepted',
    'accepted',
    'accepted',
    'accepted',
    'accepted',
  ])
})

test('a refused token causes the correction to be fetched in the background', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = gateFor(t, realm, { refreshAfterSeconds: 0 })
  const [token] = await tokens(realm)
  realm.record({ kind: 'grant', subject: 'alice', client: 'agent' })
  assert.equal(reasonOf(await gate.check(token)), 'grant_revoked')
  realm.record({ kind: 'correction', correction: { kind: 'grant', subject: 'alice', client: 'agent' } })
  const deadline = Date.now() + 15_000
  while (!(await gate.check(token)).ok) {
    assert.ok(Date.now() < deadline, 'never corrected')
    await pause(10)
  }
})

test('grantClaim must be a claim that has no other meaning', async (t) => {
  const realm = await TestRealm.start(t)
  for (const [claim, message] of [
    ['sub', /grantClaim names the same claim as claimNames\.subject/],
    ['iss', /grantClaim names the same claim as issuerClaim/],
    ['iat', /grantClaim cannot be 'iat', whose meaning is fixed/],
    ['', /grantClaim must be a non-empty string/],
  ] as const) {
    assert.throws(() => createGate(realm.options({}, { grantClaim: claim })), { code: 'invalid_option', message })
  }
  for (const claim of ['azp', 'client_id']) createGate(realm.options({}, { grantClaim: claim })).close()
})

test("a key's not-before refuses its tokens up to then, and explain distinguishes it from a ban", async (t) => {
  const realm = await TestRealm.start(t)
  const second = await realm.rotate('second')
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  const thumbprint = await calculateJwkThumbprint(realm.keys[0]?.jwk ?? {})
  const now = clock()
  const [old, edge, young] = await Promise.all([-100, -50, -49].map((at) => realm.token({ iat: now + at })))
  const others = await realm.token({ iat: now - 100 }, second)
  realm.record({ kind: 'keyNotBefore', thumbprint, notBefore: now - 50 })
  assert.deepEqual(await reasons(gate, [old ?? '', edge ?? '', young ?? '', others]), [
    'banned_key',
    'banned_key',
    'accepted',
    'accepted',
  ])
  // Also from the cache.
  assert.deepEqual(await reasons(gate, [old ?? '', young ?? '']), ['banned_key', 'accepted'])
  const failed = (await gate.explain(old ?? '')).find(({ outcome }) => outcome === 'failed')
  assert.equal(failed?.check, 'revocation')
  assert.match(failed.detail ?? '', /the key is not banned: the token was issued before the key's not-before/)
  realm.record({ kind: 'keyBanned', thumbprint })
  await gate.refresh()
  assert.deepEqual(await reasons(gate, [old ?? '', young ?? '', others]), ['banned_key', 'banned_key', 'accepted'])
  const banned = (await gate.explain(young ?? '')).find(({ outcome }) => outcome === 'failed')
  assert.equal(banned?.check, 'key')
})
