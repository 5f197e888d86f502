import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { createGate } from '../entry/edge/node.ts'
import { createTestIssuer, createTestRealm } from '../entry/test-kit/default.ts'
import type { SignOptions, TestClaims, TestRealm, TestRealmOptions } from './types.ts'

async function open(t: TestContext, options: TestRealmOptions = {}): Promise<TestRealm> {
  const realm = await createTestRealm(options)
  t.after(() => realm.close())
  return realm
}

async function reasonFor(realm: TestRealm, token: string): Promise<string> {
  const verdict = await realm.check(token)
  return verdict.ok ? 'accepted' : verdict.reason
}

test('a token is accepted, and jose verifies it with the keys of the set', async (t) => {
  const realm = await open(t)
  const token = await realm.token({ scope: 'notes:read' })
  const verdict = await realm.check(token)
  assert.ok(verdict.ok)
  assert.deepEqual([verdict.claims.sub, verdict.claims['scope'], verdict.realm], ['alice', 'notes:read', 'test'])
  const { payload } = await jwtVerify(token, createLocalJWKSet(realm.issuer.jwks as never), {
    issuer: 'https://issuer.test',
    audience: 'api',
  })
  assert.equal(payload.sub, 'alice')
  assert.equal(realm.gate.checkSync(token).ok, true)
})

const EVENTS: [string, (realm: TestRealm, token: string) => Promise<unknown>, string][] = [
  ['its token is revoked', (realm, token) => realm.revokeToken(token), 'token_revoked'],
  ['its session ends', (realm) => realm.endSession('session-1'), 'session_revoked'],
  ['its user is logged out', (realm) => realm.logoutUser('alice'), 'user_revoked'],
  ['everybody is logged out', (realm) => realm.logoutRealm(), 'realm_revoked'],
]
for (const [name, event, reason] of EVENTS) {
  test(`the next check refuses it after ${name}, and accepts one that is signed then`, async (t) => {
    const realm = await open(t)
    const token = await realm.token()
    assert.equal(await reasonFor(realm, token), 'accepted')
    await event(realm, token)
    assert.equal(await reasonFor(realm, token), reason)
    assert.equal(realm.gate.checkSync(token).ok, false)
    assert.equal(await reasonFor(realm, await realm.token({ sid: 'session-2' })), 'accepted')
  })
  test(`so does a gate that an app creates from the options, after ${name}`, async (t) => {
    const realm = await open(t)
    const gate = createGate(realm.gateOptions)
    t.after(() => gate.close())
    const token = await realm.token()
    assert.equal((await gate.check(token)).ok, true)
    await event(realm, token)
    const verdict = await gate.check(token)
    assert.equal(verdict.ok ? 'accepted' : verdict.reason, reason)
    assert.equal((await gate.check(await realm.token({ sid: 'session-2' }))).ok, true)
  })
}

test('bad tokens are refused, each for its reason', async (t) => {
  const realm = await open(t)
  const stranger = await createTestIssuer()
  const now = realm.now()
  const bad: [string, TestClaims, SignOptions][] = [
    ['expired', { iat: now - 600, exp: now - 300 }, {}],
    ['not_yet_valid', { nbf: now + 60 }, {}],
    ['wrong_audience', { aud: 'other' }, {}],
    ['wrong_issuer', { iss: 'https://other.test' }, {}],
    ['missing_claim', { sub: undefined }, {}],
    ['lifetime_exceeded', { exp: now + 90_000 }, {}],
    ['bad_signature', {}, { signature: 'tampered' }],
    ['unknown_key', {}, { key: stranger.key }],
    ['bad_signature', {}, { key: stranger.key, header: { kid: realm.issuer.key.kid } }],
    ['unsupported_algorithm', {}, { header: { alg: 'none' } }],
    ['wrong_type', {}, { header: { typ: 'logout+jwt' } }],
  ]
  for (const [reason, claims, signing] of bad)
    assert.equal(await reasonFor(realm, await realm.token(claims, signing)), reason)
  // A single key in the set needs no name.
  assert.equal(await reasonFor(realm, await realm.token({}, { header: { kid: undefined } })), 'accepted')
  assert.notEqual(await reasonFor(realm, await realm.token({}, { header: { alg: 'RS256' } })), 'accepted')
})

test('the clock moves on for gate, origin and tokens', async (t) => {
  const realm = await open(t)
  const token = await realm.token()
  await realm.advance(290)
  assert.equal(await reasonFor(realm, token), 'accepted')
  await realm.advance(20)
  assert.equal(await reasonFor(realm, token), 'expired')
  assert.equal(await reasonFor(realm, await realm.token()), 'accepted')
  // After a day, keys and state are fetched again.
  await realm.advance(86_400)
  const later = await realm.token()
  assert.equal(await reasonFor(realm, later), 'accepted')
  await realm.revokeToken(later)
  assert.equal(await reasonFor(realm, later), 'token_revoked')
})

test('a stale gate refuses, and accepts once it has recovered; events recorded meanwhile apply', async (t) => {
  const realm = await open(t)
  const [kept, revoked] = [await realm.token(), await realm.token()]
  await realm.goStale()
  assert.equal(await reasonFor(realm, kept), 'stale_feed')
  await realm.revokeToken(revoked)
  assert.equal(await reasonFor(realm, revoked), 'stale_feed')
  await realm.recover()
  assert.equal(await reasonFor(realm, kept), 'accepted')
  assert.equal(await reasonFor(realm, revoked), 'token_revoked')
  assert.ok(realm.reports.some(({ kind }) => kind === 'feed'))
})

test('with whenStale accept it accepts meanwhile', async (t) => {
  const realm = await open(t, { gate: { whenStale: 'accept', maxStaleSeconds: 10 } })
  const token = await realm.token()
  await realm.goStale()
  assert.equal(await reasonFor(realm, token), 'accepted')
})

test('a key that the issuer rotates to is found, and one that it withdraws is dropped', async (t) => {
  const realm = await open(t)
  const before = await realm.token()
  await realm.issuer.rotate()
  assert.equal(await reasonFor(realm, await realm.token()), 'accepted')
  assert.equal(await reasonFor(realm, before), 'accepted')
  const last = await realm.token()
  await realm.issuer.rotate('withdraw')
  await realm.advance(301)
  assert.equal(await reasonFor(realm, await realm.token()), 'accepted')
  assert.equal(await reasonFor(realm, last), 'unknown_key')
})

const SHAPES: TestRealmOptions[] = [
  { profile: 'rfc9068' },
  { profile: 'keycloak' },
  { issuerClaim: 'realm', audience: 'none' },
  { claimNames: { subject: 'uid', tokenId: 'uti', session: 'session_id', scope: 'scp' } },
  { requiredClaims: ['exp', 'iat', 'sub', 'jti', 'tenant', 'nbf'] },
  { compare: 'authTime' },
  { issuer: ['https://login.example', 'https://login.example/old'], sameSubjects: true },
  { audience: 'none', authorizedParty: ['app', 'other'] },
  { audience: 'none', authorizedParty: 'app', accessTokenClaim: 'scp', requiredClaims: ['exp', 'iat', 'sub', 'jti'] },
  { algorithms: ['HS256', 'RS256'] },
  { algorithm: 'EdDSA' },
  { audience: ['first', 'second'], issuer: 'https://login.example/realms/acme', jwks: 'https://login.example/certs' },
]
for (const options of SHAPES) {
  test(`a good token is made for ${JSON.stringify(options)}, and revoked`, async (t) => {
    const realm = await open(t, options)
    const [one, other] = [await realm.token(), await realm.token()]
    assert.equal(await reasonFor(realm, one), 'accepted')
    await realm.revokeToken(one)
    assert.equal(await reasonFor(realm, one), 'token_revoked')
    assert.equal(await reasonFor(realm, other), 'accepted')
  })
}

for (const [withoutTokenId, reason] of [
  ['session', 'session_revoked'],
  ['user', 'user_revoked'],
] as const) {
  test(`with withoutTokenId ${withoutTokenId} tokens have no id, and revoking one ends more`, async (t) => {
    const realm = await open(t, { withoutTokenId })
    const token = await realm.token()
    assert.equal(await reasonFor(realm, token), 'accepted')
    assert.equal((await realm.revokeToken(token)).ended, withoutTokenId)
    assert.equal(await reasonFor(realm, token), reason)
    assert.equal(await reasonFor(realm, await realm.token({ sid: 'session-2' })), 'accepted')
  })
}

test('a pattern with tenants signs as the first of them', async (t) => {
  const realm = await open(t, { issuer: 'https://login.example/{tid}/v2.0', tenants: ['one', 'two'] })
  const verdict = await realm.check(await realm.token())
  assert.ok(verdict.ok)
  assert.deepEqual([verdict.claims['tid'], verdict.claims.iss], ['one', 'https://login.example/one/v2.0'])
  const other = { iss: 'https://login.example/two/v2.0', tid: 'two' }
  assert.equal(await reasonFor(realm, await realm.token(other)), 'accepted')
  assert.equal(await reasonFor(realm, await realm.token({ ...other, tid: 'one' })), 'wrong_issuer')
  const [own, others] = [await realm.token(), await realm.token(other)]
  await realm.logoutUser('alice')
  assert.deepEqual([await reasonFor(realm, own), await reasonFor(realm, others)], ['user_revoked', 'accepted'])
  await realm.logoutUser('alice', { issuer: other.iss })
  assert.equal(await reasonFor(realm, others), 'user_revoked')
})

test('a request carries the token, a method and a body', async (t) => {
  const realm = await open(t)
  const token = await realm.token()
  const request = realm.request(token, {
    url: 'https://app.test/notes',
    method: 'POST',
    body: 'text',
    headers: { 'x-id': '1' },
  })
  assert.deepEqual(
    [request.url, request.method, request.headers.get('x-id'), await request.text()],
    ['https://app.test/notes', 'POST', '1', 'text'],
  )
  assert.equal((await realm.gate.authenticate(realm.request(token))).ok, true)
  assert.equal((await realm.gate.authenticate(realm.request())).ok, false)
})

test('nothing is fetched from another host, and options are checked', async (t) => {
  const realm = await open(t)
  await assert.rejects(Promise.resolve(realm.gateOptions.fetch?.('https://example.com/')), /no network/)
  await assert.rejects(createTestRealm({ audiance: 'api' } as never), { code: 'invalid_option' })
  await assert.rejects(createTestRealm({ gate: { maxStale: 1 } as never }), { code: 'invalid_option' })
  await assert.rejects(createTestIssuer({ algorithm: 'HS256' as never }), { code: 'invalid_option' })
  await assert.rejects(createTestIssuer({ url: 'x' } as never), { code: 'invalid_option' })
})

test('tokens of one realm are not accepted by another', async (t) => {
  const [one, other] = [await open(t), await open(t)]
  assert.equal(await reasonFor(other, await one.token()), 'unknown_key')
})
