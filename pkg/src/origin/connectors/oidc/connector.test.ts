import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { logoutClaims, now } from '../../testing/keycloak-messages.ts'
import { createTestIssuer, openStage, type Stage } from '../../testing/stage.ts'
import { oidcConnector, type OidcConnectorOptions } from './index.ts'

const LOGOUT = { typ: 'logout+jwt' }

async function open(t: TestContext, options: Partial<OidcConnectorOptions> = {}): Promise<Stage> {
  const stage = await openStage({ connectors: [oidcConnector({ realm: 'acme', ...options })] })
  t.after(() => stage.close())
  return stage
}

async function send(
  stage: Stage,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = LOGOUT,
): Promise<number> {
  const body = new URLSearchParams({ logout_token: await stage.issuer.sign(logoutClaims(claims), header) })
  return (await stage.get('/realms/acme/backchannel-logout', { method: 'POST', body })).status
}

/** Returns the reason for which a token that alice got in a session a minute ago is refused. */
function reasonOf(stage: Stage, session = 's1'): string | undefined {
  return stage.origin.refuses('acme', {
    tokenId: 'a token',
    session,
    subject: 'alice',
    issuedAt: now() - 60,
    expiresAt: now() + 240,
  })
}

test('a logout token of the issuer ends its session, and the audit log names the source', async (t) => {
  const stage = await open(t)
  assert.equal(reasonOf(stage), undefined)
  assert.equal(await send(stage), 200)
  assert.deepEqual([reasonOf(stage), reasonOf(stage, 's2')], ['session_revoked', undefined])
  const [line] = await stage.origin.audit.list({ realm: 'acme', limit: 1 })
  assert.deepEqual([line?.actor, line?.reason], ['connector:oidc', 'logout token'])
})

test('without a session it refuses the tokens of its user', async (t) => {
  const stage = await open(t)
  assert.equal(await send(stage, { sid: undefined }), 200)
  assert.equal(reasonOf(stage, 's2'), 'user_revoked')
})

test("with the scope 'user' a session refuses the tokens of its user up to then, and later ones stay valid", async (t) => {
  const stage = await open(t, { logoutTokenScope: 'user' })
  assert.equal(await send(stage), 200)
  assert.equal(reasonOf(stage, 's2'), 'user_revoked')
  const later = { tokenId: 'later', subject: 'alice', issuedAt: now() + 1, expiresAt: now() + 300 }
  assert.equal(stage.origin.refuses('acme', later), undefined)
  assert.equal(await send(stage, { sub: undefined }), 400)
})

test('a logout token without its type needs the option', async (t) => {
  const [strict, older] = [await open(t), await open(t, { untypedLogoutTokens: 'accept' })]
  assert.deepEqual([await send(strict, {}, { typ: 'JWT' }), reasonOf(strict)], [400, undefined])
  assert.deepEqual([await send(older, {}, { typ: 'JWT' }), reasonOf(older)], [200, 'session_revoked'])
  assert.equal(await send(older, {}, { typ: 'at+jwt' }), 400)
  assert.equal(await send(older, { nonce: 'an ID token' }, { typ: 'JWT' }), 400)
})

test('accepts only clients of the list', async (t) => {
  const stage = await open(t, { logoutTokenAudience: ['spa'] })
  assert.deepEqual([await send(stage), reasonOf(stage)], [400, undefined])
  assert.equal(await send(stage, { aud: ['web', 'spa'] }), 200)
})

test('has no other receivers, and checks options', async (t) => {
  const stage = await open(t)
  for (const path of ['k_logout', 'k_push_not_before']) {
    const response = await stage.get(`/realms/acme/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: 'x',
    })
    assert.equal(response.status, 404)
  }
  for (const wrong of [
    {},
    { realm: '' },
    { realm: 'acme', logoutTokenScope: 'all' },
    { realm: 'acme', baseUrl: 'https://id.test' },
  ]) {
    assert.throws(() => oidcConnector(wrong as OidcConnectorOptions), { code: 'invalid_option' })
  }
})

test('a member that is null counts as absent', async (t) => {
  const stage = await open(t, { untypedLogoutTokens: 'accept' })
  assert.equal(await send(stage, { sid: null, nonce: null, typ: null }, { typ: null }), 200)
  assert.equal(reasonOf(stage, 's2'), 'user_revoked')
  assert.equal(await send(stage, { jti: 'two', sid: null, sub: null }), 400)
})

test('logs out a numeric user with numericIds, and refuses it without', async (t) => {
  const issuer = await createTestIssuer()
  for (const [numericIds, status, reason] of [
    ['refuse', 400, undefined],
    ['accept', 200, 'user_revoked'],
  ] as const) {
    const stage = await openStage({
      realms: [{ ...issuer.realm, numericIds }],
      connectors: [oidcConnector({ realm: 'acme' })],
    })
    t.after(() => stage.close())
    const body = new URLSearchParams({
      logout_token: await issuer.sign(logoutClaims({ sub: 42, jti: 7, sid: undefined }), LOGOUT),
    })
    assert.equal((await stage.get('/realms/acme/backchannel-logout', { method: 'POST', body })).status, status)
    const about = { tokenId: 'a token', issuedAt: now() - 60, expiresAt: now() + 240 }
    assert.equal(stage.origin.refuses('acme', { ...about, subject: '42' }), reason)
    assert.equal(stage.origin.refuses('acme', { ...about, subject: '43' }), undefined)
  }
})
