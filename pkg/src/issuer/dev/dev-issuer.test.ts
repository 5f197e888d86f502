// The issuer as its clients see it: metadata, the password grant, refreshes, a restart, wrong options.

import assert from 'node:assert/strict'
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createOrigin, type JWK } from '../../entry/origin/node.ts'
import { openDatabase } from '../../origin/store/sqlite/database.ts'
import { memoryStore } from '../../origin/store/memory.ts'
import { createDevIssuer, type DevIssuerOptions } from './index.ts'
import {
  ask,
  close,
  errorOf,
  folder,
  form,
  ISSUER,
  issuer,
  logIn,
  open,
  origin,
  refresh,
  ROOT,
  signingKey,
  start,
  stop,
  type Tokens,
} from './testing/stage.ts'

before(start)
after(stop)

describe('metadata', () => {
  test("discovery and keys have Keycloak's paths", async () => {
    const discovery = (await (await ask(`${ISSUER}/.well-known/openid-configuration`)).json()) as Record<string, string>
    assert.equal(discovery['issuer'], ISSUER)
    assert.equal(discovery['token_endpoint'], `${ROOT}/token`)
    const { keys } = (await (await ask(String(discovery['jwks_uri']))).json()) as { keys: JWK[] }
    assert.equal(keys.length, 1)
    assert.deepEqual(Object.keys(keys[0] ?? {}).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use'])
    assert.equal(keys[0]?.alg, 'RS256')
  })

  test('other paths are not handled', async () => {
    for (const path of [
      `${ROOT}/revoke`,
      'http://localhost:8780/realms/other/protocol/openid-connect/token',
      'http://localhost:8780/',
      `${ROOT}/token/`,
    ]) {
      assert.equal(await issuer.fetch(new Request(path)), undefined)
    }
    const wrong = await ask(`${ROOT}/token`)
    assert.equal(wrong.status, 405)
    assert.equal(wrong.headers.get('allow'), 'POST')
  })
})

describe('password grant', () => {
  test('gives an access token with every claim that an edge needs', async () => {
    const { access_token: token, expires_in: expiresIn, id_token: idToken } = await logIn('admin')
    const jwks = createLocalJWKSet((await (await ask(`${ROOT}/certs`)).json()) as JSONWebKeySet)
    const { payload, protectedHeader } = await jwtVerify(token, jwks, { issuer: ISSUER, audience: 'api' })
    assert.equal(protectedHeader.alg, 'RS256')
    assert.equal(payload.exp, (payload.iat ?? 0) + 300)
    assert.equal(expiresIn, 300)
    for (const claim of ['jti', 'sub', 'sid']) assert.match(String(payload[claim]), /^[0-9a-f-]{36}$/)
    assert.equal(payload['azp'], 'demo')
    assert.equal(payload['token_use'], 'access')
    assert.equal(payload['token_version'], 0)
    assert.equal(payload['rsq'], origin.status()[0]?.sequence)
    assert.deepEqual(payload['realm_access'], { roles: ['portcullis-admin'] })
    assert.equal(idToken, undefined)
  })

  test('gives an ID token for the scope openid', async () => {
    const { id_token: token = '' } = await logIn('alice', { scope: 'openid profile' })
    assert.equal(decodeJwt(token)['token_use'], 'id')
    assert.equal(decodeJwt(token).aud, 'demo')
  })

  test('a client may have its own token lifetime', async () => {
    const { access_token: token } = await logIn('alice', { client_id: 'short' })
    assert.equal(decodeJwt(token).exp, (decodeJwt(token).iat ?? 0) + 1)
  })

  test('refuses with the errors of RFC 6749', async () => {
    const good = { grant_type: 'password', client_id: 'demo', username: 'alice', password: 'alice-password' }
    const without = (name: string): Record<string, string> =>
      Object.fromEntries(Object.entries(good).filter(([key]) => key !== name))
    const cases: [number, string, Record<string, string>][] = [
      [400, 'invalid_grant', { ...good, password: 'wrong' }],
      [400, 'invalid_grant', { ...good, username: 'nobody' }],
      [400, 'invalid_grant', { ...good, password: 'x'.repeat(2_000) }],
      [400, 'invalid_request', without('username')],
      [400, 'invalid_request', without('password')],
      [400, 'invalid_request', { ...good, password: '' }],
      [400, 'invalid_request', without('grant_type')],
      [400, 'unsupported_grant_type', { ...good, grant_type: 'client_credentials' }],
      [400, 'invalid_scope', { ...good, scope: 'a  b' }],
      [401, 'invalid_client', without('client_id')],
      [401, 'invalid_client', { ...good, client_id: 'unknown' }],
      [401, 'invalid_client', { ...good, client_id: 'backend' }],
      [401, 'invalid_client', { ...good, client_id: 'backend', client_secret: 'wrong' }],
      [401, 'invalid_client', { ...good, client_secret: 'a public client has none' }],
    ]
    for (const [status, error, parameters] of cases)
      assert.deepEqual(await errorOf(await form(parameters)), [status, error], JSON.stringify(parameters))
    const twice = new URLSearchParams([...Object.entries(good), ['username', 'bob']])
    assert.deepEqual(await errorOf(await ask(`${ROOT}/token`, { method: 'POST', body: twice })), [
      400,
      'invalid_request',
    ])
    const json = { method: 'POST', body: JSON.stringify(good), headers: { 'content-type': 'application/json' } }
    assert.deepEqual(await errorOf(await ask(`${ROOT}/token`, json)), [400, 'invalid_request'])
    const large = new URLSearchParams({ ...good, password: 'x'.repeat(70_000) })
    assert.equal((await ask(`${ROOT}/token`, { method: 'POST', body: large })).status, 413)
  })

  test('authenticates a confidential client by form and by HTTP Basic', async () => {
    const user = { grant_type: 'password', username: 'bob', password: 'bob-password' }
    assert.equal((await form({ ...user, client_id: 'backend', client_secret: 'backend-secret' })).status, 200)
    const basic = (text: string): Record<string, string> => ({ authorization: `Basic ${btoa(text)}` })
    assert.equal((await form(user, basic('backend:backend-secret'))).status, 200)
    const wrong = await form(user, basic('backend:wrong'))
    assert.match(wrong.headers.get('www-authenticate') ?? '', /^Basic /)
    assert.deepEqual(await errorOf(wrong), [401, 'invalid_client'])
    assert.deepEqual(await errorOf(await form({ ...user, client_secret: 'x' }, basic('backend:backend-secret'))), [
      400,
      'invalid_request',
    ])
    assert.deepEqual(await errorOf(await form(user, basic('%ff:%'))), [401, 'invalid_client'])
  })
})

describe('refresh', () => {
  test('each token is valid once; its reuse ends the session', async () => {
    const first = await logIn()
    const second = (await (await refresh(first.refresh_token)).json()) as Tokens
    assert.notEqual(second.refresh_token, first.refresh_token)
    assert.equal(decodeJwt(second.access_token)['sid'], decodeJwt(first.access_token)['sid'])
    const third = (await (await refresh(second.refresh_token)).json()) as Tokens
    assert.deepEqual(await errorOf(await refresh(first.refresh_token)), [400, 'invalid_grant'])
    assert.deepEqual(await errorOf(await refresh(third.refresh_token)), [400, 'invalid_grant'])
    const { sid, sub } = decodeJwt(third.access_token) as { sid: string; sub: string }
    const now = Math.floor(Date.now() / 1000)
    assert.equal(
      origin.refuses('acme', { session: sid, subject: sub, issuedAt: now, expiresAt: now + 300 }),
      'session_revoked',
    )
    assert.equal((await refresh((await logIn()).refresh_token)).status, 200)
  })

  test('one of several concurrent uses succeeds', async () => {
    const { refresh_token: token } = await logIn()
    const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(token)))
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
  })

  test('a client can only use its own refresh tokens', async () => {
    const { access_token: access, refresh_token: token, id_token: id = '' } = await logIn('alice', { scope: 'openid' })
    for (const wrong of [access, id, 'x', `${token}x`])
      assert.deepEqual(await errorOf(await refresh(wrong)), [400, 'invalid_grant'])
    assert.deepEqual(await errorOf(await refresh(token, { client_id: 'short' })), [400, 'invalid_grant'])
    assert.deepEqual(await errorOf(await form({ grant_type: 'refresh_token', client_id: 'demo' })), [
      400,
      'invalid_request',
    ])
    assert.equal((await refresh(token)).status, 200)
  })

  test('an ended session and a logged-out user cannot refresh', async () => {
    const ended = await logIn()
    await origin.endSession('acme', String(decodeJwt(ended.access_token)['sid']))
    assert.deepEqual(await errorOf(await refresh(ended.refresh_token)), [400, 'invalid_grant'])
    const out = await logIn('bob')
    await origin.logoutUser('acme', decodeJwt(out.access_token).sub ?? '')
    assert.deepEqual(await errorOf(await refresh(out.refresh_token)), [400, 'invalid_grant'])
  })

  test('only hashes of refresh tokens and passwords are stored', async () => {
    const { refresh_token: token } = await logIn()
    const database = openDatabase(join(folder, 'a.db'))
    const text = ['refresh_families', 'refresh_tokens', 'dev_issuer_users']
      .map((table) => JSON.stringify(database.prepare(`SELECT * FROM ${table}`).all()))
      .join()
    database.close()
    assert.ok(!text.includes(token) && !text.includes('alice-password'))
  })
})

test('after a raise of the token version nothing older is valid, and the next login has the new version', async () => {
  const before = await logIn('bob')
  const { sub = '', ...rest } = decodeJwt(before.access_token)
  assert.equal(rest['token_version'], 0)
  await origin.raiseTokenVersion('acme', sub, 3)
  assert.deepEqual(await errorOf(await refresh(before.refresh_token)), [400, 'invalid_grant'])
  const after = await logIn('bob')
  assert.equal(decodeJwt(after.access_token)['token_version'], 3)
  assert.equal(origin.minimumVersion('acme', sub), 3)
  assert.equal((await refresh(after.refresh_token)).status, 200)
})

test('the origin knows the tokens, and an administrator logs a user out', async () => {
  const { access_token: admin } = await logIn('admin')
  const { access_token: bob, refresh_token: refreshToken } = await logIn('bob')
  const revoke = (token: string): Promise<Response> =>
    origin.fetch(
      new Request('http://localhost/v1/auth/token/revoke', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token }),
      }),
    )
  assert.equal((await revoke((await logIn()).access_token)).status, 200)
  assert.deepEqual(await (await revoke(refreshToken)).json(), { error: 'unexpected token use' })
  const logout = (token: string): Promise<Response> =>
    origin.fetch(
      new Request(`http://localhost/admin/realms/acme/users/${decodeJwt(bob).sub}/logout`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      }),
    )
  assert.equal((await logout(bob)).status, 403)
  assert.equal((await logout(admin)).status, 204)
})

test('keys, users and sessions survive a restart; a key of another algorithm is added to the set', async () => {
  const before = await logIn()
  const kid = decodeProtectedHeader(before.access_token).kid
  await close()
  await open(join(folder, 'a.db'))
  const after = (await (await refresh(before.refresh_token)).json()) as Tokens
  assert.equal(decodeJwt(after.access_token).sub, decodeJwt(before.access_token).sub)
  assert.equal(decodeProtectedHeader(after.access_token).kid, kid)
  await close()
  await open(join(folder, 'a.db'), { algorithm: 'EdDSA' })
  const { keys } = (await (await ask(`${ROOT}/certs`)).json()) as { keys: JWK[] }
  assert.deepEqual([...new Set(keys.map(({ alg }) => alg))].sort(), ['EdDSA', 'RS256'])
  const other = (await (await refresh(after.refresh_token)).json()) as Tokens
  assert.equal(decodeProtectedHeader(other.access_token).alg, 'EdDSA')
})

test('names wrong options', async () => {
  const bad: [RegExp, object][] = [
    [/either path or database/, { issuer: ISSUER }],
    [/must end with \/realms\/acme/, { path: 'x', issuer: 'http://localhost' }],
    [/algorithm must be/, { path: 'x', issuer: ISSUER, algorithm: 'HS256' }],
    [/unknown option 'user'/, { path: 'x', issuer: ISSUER, user: [] }],
  ]
  for (const [message, options] of bad)
    await assert.rejects(createDevIssuer(options as DevIssuerOptions), { code: 'invalid_option', message })
})

test('an issuer that is not attached reports it', async () => {
  const path = join(folder, 'alone.db')
  const alone = await createDevIssuer({ path, issuer: ISSUER })
  const realm = { ...alone.realm }
  const log = console.error
  const errors: unknown[] = []
  console.error = (...given: unknown[]) => void errors.push(given)
  try {
    const body = new URLSearchParams({
      grant_type: 'password',
      client_id: 'demo',
      username: 'alice',
      password: 'alice-password',
    })
    const response = await alone.fetch(new Request(`${ROOT}/token`, { method: 'POST', body }))
    assert.equal(response?.status, 500)
    assert.match(String((errors[0] as unknown[])[1]), /attach\(origin\)/)
  } finally {
    console.error = log
  }
  await (await createOrigin({ store: memoryStore(), signingKey, realms: [realm] })).close()
  await alone.close()
})
