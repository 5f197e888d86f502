import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createGate } from '../../entry/edge/node.ts'
import { createOrigin, type JWK, type OriginReport } from '../../entry/origin/node.ts'
import { json, TestServer } from '../../test-fixtures/server.ts'
import {
  ADMINISTRATOR,
  createTestIssuer,
  ISSUER,
  openStage,
  type Stage,
  type TestIssuer,
  until,
} from '../testing/stage.ts'
import { MAX_WITHDRAWN_REVOCATIONS } from './token-revocation.ts'

interface Rotated {
  stage: Stage
  /** Its key is withdrawn. */
  first: TestIssuer
  second: TestIssuer
  /** Replaces the keys that the issuer serves. */
  serve(keys: JWK[]): Promise<void>
}

/** Opens an origin whose issuer has just replaced its key. */
async function rotated(t: TestContext): Promise<Rotated> {
  const [first, second] = [await createTestIssuer(), await createTestIssuer()]
  let keys = [first.jwk]
  const clients = [{ id: 'demo' }]
  const stage = await openStage({ realms: [{ ...first.realm, jwks: () => ({ keys }) }], clients })
  t.after(() => stage.close())
  async function serve(now: JWK[]): Promise<void> {
    keys = now
    await stage.origin.publishKeys('acme')
  }
  await serve([second.jwk])
  return { stage, first, second, serve }
}

function revokeAsClient(stage: Stage, token: string): Promise<Response> {
  const body = new URLSearchParams({ token, client_id: 'demo' })
  return stage.get('/realms/acme/protocol/openid-connect/revoke', { method: 'POST', body })
}

/** Whether a gate that still has the withdrawn key refuses a token signed by it. */
async function isRefused(stage: Stage, jwks: { keys: JWK[] }, token: string): Promise<boolean> {
  const feed = { url: `${stage.server.url}/feed/acme`, keys: [stage.publicKey] }
  const gate = createGate({
    realms: [{ name: 'acme', issuer: ISSUER, audience: 'api', jwks, feed }],
    onReport: () => undefined,
  })
  try {
    const verdict = await gate.check(token)
    assert.ok(verdict.ok || verdict.reason === 'token_revoked', JSON.stringify(verdict))
    return !verdict.ok
  } finally {
    gate.close()
  }
}

const now = (): number => Math.floor(Date.now() / 1000)

/** Returns a token issued before any key was withdrawn. */
function issued(issuer: TestIssuer, claims: Record<string, unknown> = {}): Promise<string> {
  return issuer.token({ iat: now() - 60, ...claims })
}

test('a token whose key has just been withdrawn can be revoked by both routes and in code', async (t) => {
  const { stage, first } = await rotated(t)
  const gateKeys = { keys: [first.jwk] }
  const tokens = await Promise.all(Array.from({ length: 4 }, () => issued(first)))
  const [one = '', two = '', three = '', other = ''] = tokens
  assert.equal((await stage.revoke(one)).status, 200)
  assert.equal((await revokeAsClient(stage, two)).status, 200)
  await stage.origin.revokeToken(three)
  for (const token of [one, two, three]) assert.equal(await isRefused(stage, gateKeys, token), true)
  assert.equal(await isRefused(stage, gateKeys, other), false, 'another token of the key')
  const [line] = await stage.origin.audit.list({ realm: 'acme', action: 'token_revoked', limit: 3 })
  assert.match(line?.actor ?? '', /^token:/, 'the user it names did not request it')
  assert.match(line?.detail ?? '', /^withdrawn_key [\w-]{43}$/)
})

test('a withdrawn key revokes only tokens that it may have signed', async (t) => {
  const { stage, first } = await rotated(t)
  const before = stage.sequence()
  const refused: [string, Record<string, unknown>][] = [
    ['issued after it was withdrawn', { iat: now() + 60, exp: now() + 300 }],
    ['no jti', { jti: undefined }],
    ['an empty jti', { jti: '' }],
    ['no iat', { iat: undefined }],
    ['no exp', { exp: undefined }],
    ['a lifetime that no gate accepts', { exp: now() + 86_400 * 3 }],
    ['another use', { token_use: 'refresh' }],
  ]
  for (const [what, claims] of refused) {
    const token = await issued(first, claims)
    assert.equal((await stage.revoke(token)).status, 401, what)
    assert.equal((await revokeAsClient(stage, token)).status, 200, what)
    assert.equal(stage.sequence(), before, what)
  }
  // Another client's token is refused as usual.
  assert.equal((await revokeAsClient(stage, await issued(first, { azp: 'other' }))).status, 400)
  assert.equal(stage.sequence(), before)
})

test('a withdrawn key allows no administration and ends no session', async (t) => {
  const { stage, first } = await rotated(t)
  const before = stage.sequence()
  const headers = { authorization: `Bearer ${await first.token(ADMINISTRATOR)}` }
  const asked = [
    ['POST', 'users/alice/logout'],
    ['DELETE', 'sessions/s1'],
    ['POST', 'logout-all'],
    ['GET', 'keys'],
    ['GET', 'events'],
    ['DELETE', `keys/${first.jwk.kid}`],
  ]
  for (const [method = '', path] of asked) {
    assert.equal((await stage.get(`/admin/realms/acme/${path}`, { method, headers })).status, 401, path)
  }
  assert.equal(stage.sequence(), before)
  // Its token is revoked only by its id: the user and the session continue.
  assert.equal((await stage.revoke(await issued(first))).status, 200)
  const subject = { subject: 'alice', session: 's1', issuedAt: now() - 1, expiresAt: now() + 300 }
  assert.equal(stage.origin.refuses('acme', subject), undefined)
})

test('does not keep a banned key, whether it was banned before or after its withdrawal', async (t) => {
  const { stage, first, second, serve } = await rotated(t)
  const third = await createTestIssuer()
  await stage.origin.banKey('acme', String(first.jwk.kid))
  await serve([second.jwk, third.jwk])
  await stage.origin.banKey('acme', String(second.jwk.kid))
  await serve([third.jwk])
  const before = stage.sequence()
  for (const issuer of [first, second]) assert.equal((await stage.revoke(await issued(issuer))).status, 401)
  assert.equal(stage.sequence(), before)
})

test('a republished key is treated like any other', async (t) => {
  const { stage, first, second, serve } = await rotated(t)
  const later = { iat: now() + 2, exp: now() + 300 }
  assert.equal((await stage.revoke(await first.token(later))).status, 401)
  await serve([second.jwk, first.jwk])
  assert.equal((await stage.revoke(await first.token(later))).status, 200)
  const headers = { authorization: `Bearer ${await first.token(ADMINISTRATOR)}` }
  assert.equal((await stage.get('/admin/realms/acme/keys', { headers })).status, 200)
})

test('a key withdrawn by polls still identifies its tokens', async (t) => {
  const [first, second] = [await createTestIssuer(), await createTestIssuer()]
  const server = await TestServer.start(json({ keys: [first.jwk] }))
  t.after(() => server.close())
  const stage = await openStage({ realms: [{ ...first.realm, jwks: `${server.url}/certs` }], jwksMaxAgeSeconds: 1 })
  t.after(() => stage.close())
  const sequence = stage.sequence()
  server.listener = json({ keys: [second.jwk] })
  await until(() => stage.sequence() === sequence + 1, 'the new key is in the feed')
  await until(() => stage.sequence() === sequence + 2, 'the old one is no longer in it')
  const headers = { authorization: `Bearer ${await first.token(ADMINISTRATOR)}` }
  assert.equal((await stage.get('/admin/realms/acme/keys', { headers })).status, 401)
  const token = await issued(first)
  assert.equal((await stage.revoke(token)).status, 200)
  assert.equal(await isRefused(stage, { keys: [first.jwk] }, token), true)
})

test('knows a key withdrawn while the origin was down from the feed', async (t) => {
  const [first, second] = [await createTestIssuer(), await createTestIssuer()]
  const before = await openStage({ realms: [first.realm] })
  t.after(() => before.close())
  await before.origin.close()
  const server = await TestServer.start(json({ keys: [second.jwk] }))
  t.after(() => server.close())
  const { signingKey } = before
  const origin = await createOrigin({
    store: before.reopenStore(),
    signingKey,
    realms: [{ ...first.realm, jwks: `${server.url}/certs` }],
  })
  t.after(() => origin.close())
  const { sequence } = await origin.revokeToken(await issued(first))
  assert.equal(origin.status()[0]?.sequence, sequence)
  const headers = { authorization: `Bearer ${await first.token(ADMINISTRATOR)}` }
  const admin = await origin.fetch(new Request('http://localhost/admin/realms/acme/keys', { headers }))
  assert.equal(admin.status, 401, 'the origin has not seen the key at the issuer')
})

test('limits the number of tokens that one withdrawn key can revoke', async (t) => {
  const { stage, first, second } = await rotated(t)
  const reports: OriginReport[] = stage.reports
  const again = await issued(first)
  for (let turn = 0; turn < 3; turn += 1) await stage.origin.revokeToken(again)
  for (let sent = 1; sent < MAX_WITHDRAWN_REVOCATIONS; ) {
    const batch = Math.min(1_000, MAX_WITHDRAWN_REVOCATIONS - sent)
    const tokens = await Promise.all(Array.from({ length: batch }, () => issued(first)))
    await Promise.all(tokens.map((token) => stage.origin.revokeToken(token)))
    sent += batch
  }
  const before = stage.sequence()
  for (let turn = 0; turn < 3; turn += 1) {
    await assert.rejects(stage.origin.revokeToken(await issued(first)), { code: 'invalid_token' })
    assert.equal((await revokeAsClient(stage, await issued(first))).status, 200)
  }
  assert.equal(stage.sequence(), before)
  assert.equal(reports.filter(({ error }) => error?.detail === 'withdrawn_key_exhausted').length, 1)
  assert.equal((await stage.revoke(again)).status, 200, 'it is in force')
  assert.equal((await stage.revoke(await second.token())).status, 200, 'other keys are not affected')
})
