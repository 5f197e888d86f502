import assert from 'node:assert/strict'
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createOrigin, generateFeedKey, type JWK, type Origin } from '../../entry/origin/node.ts'
import { openDatabase } from '../database.ts'
import { memoryStore } from '../memory.ts'
import { sqliteStore } from '../sqlite.ts'
import { createDevIssuer, type DevIssuer, type DevIssuerOptions } from './index.ts'

const ISSUER = 'http://localhost:8780/realms/acme'
const ROOT = `${ISSUER}/protocol/openid-connect`

interface Tokens {
  access_token: string
  refresh_token: string
  id_token?: string
  expires_in: number
}

let folder: string
let signingKey: JWK
let issuer: DevIssuer
let origin: Origin

async function open(path: string, options: Partial<DevIssuerOptions> = {}): Promise<void> {
  issuer = await createDevIssuer({
    path,
    issuer: ISSUER,
    clients: [
      { id: 'demo', postLogoutRedirectUris: ['https://app.test/bye?x=1'] },
      { id: 'backend', secret: 'backend-secret' },
      { id: 'short', accessTokenSeconds: 1 },
    ],
    ...options,
  })
  origin = await createOrigin({ store: sqliteStore({ path }), signingKey, realms: [issuer.realm] })
  issuer.attach(origin)
}

async function close(): Promise<void> {
  await issuer.close()
  await origin.close()
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-issuer-'))
  signingKey = (await generateFeedKey()).signingKey
  await open(join(folder, 'a.db'))
})
after(async () => {
  await close()
  await rm(folder, { recursive: true })
})

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await issuer.fetch(new Request(path, init))
  assert.ok(response !== undefined, `${path} is not the issuer's`)
  return response
}

function form(parameters: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> {
  return ask(`${ROOT}/token`, { method: 'POST', body: new URLSearchParams(parameters), headers })
}

async function logIn(username = 'alice', more: Record<string, string> = {}): Promise<Tokens> {
  const response = await form({ grant_type: 'password', client_id: 'demo', username, password: `${username}-password`, ...more })
  assert.equal(response.status, 200)
  return (await response.json()) as Tokens
}

function refresh(token: string, more: Record<string, string> = {}): Promise<Response> {
  return form({ grant_type: 'refresh_token', client_id: 'demo', refresh_token: token, ...more })
}

async function errorOf(response: Response): Promise<[number, string]> {
  assert.equal(response.headers.get('cache-control'), 'no-store')
  return [response.status, ((await response.json()) as { error: string }).error]
}

describe('metadata', () => {
  test('discovery and keys are where Keycloak has them', async () => {
    const discovery = (await (await ask(`${ISSUER}/.well-known/openid-configuration`)).json()) as Record<string, string>
    assert.equal(discovery['issuer'], ISSUER)
    assert.equal(discovery['token_endpoint'], `${ROOT}/token`)
    const { keys } = (await (await ask(String(discovery['jwks_uri']))).json()) as { keys: JWK[] }
    assert.equal(keys.length, 1)
    assert.deepEqual(Object.keys(keys[0] ?? {}).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use'])
    assert.equal(keys[0]?.alg, 'RS256')
  })

  test('other paths are left to others', async () => {
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
  test('gives an access token with everything an edge wants', async () => {
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

  test('a client may have tokens of its own length', async () => {
    const { access_token: token } = await logIn('alice', { client_id: 'short' })
    assert.equal(decodeJwt(token).exp, (decodeJwt(token).iat ?? 0) + 1)
  })

  test('refuses what RFC 6749 says it should, as it says', async () => {
    const good = { grant_type: 'password', client_id: 'demo', username: 'alice', password: 'alice-password' }
    const without = (name: string): Record<string, string> => Object.fromEntries(Object.entries(good).filter(([key]) => key !== name))
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
    assert.deepEqual(await errorOf(await ask(`${ROOT}/token`, { method: 'POST', body: twice })), [400, 'invalid_request'])
    const json = { method: 'POST', body: JSON.stringify(good), headers: { 'content-type': 'application/json' } }
    assert.deepEqual(await errorOf(await ask(`${ROOT}/token`, json)), [400, 'invalid_request'])
    const large = new URLSearchParams({ ...good, password: 'x'.repeat(70_000) })
    assert.equal((await ask(`${ROOT}/token`, { method: 'POST', body: large })).status, 413)
  })

  test('takes a confidential client by form and by HTTP Basic', async () => {
    const user = { grant_type: 'password', username: 'bob', password: 'bob-password' }
    assert.equal((await form({ ...user, client_id: 'backend', client_secret: 'backend-secret' })).status, 200)
    const basic = (text: string): Record<string, string> => ({ authorization: `Basic ${btoa(text)}` })
    assert.equal((await form(user, basic('backend:backend-secret'))).status, 200)
    const wrong = await form(user, basic('backend:wrong'))
    assert.match(wrong.headers.get('www-authenticate') ?? '', /^Basic /)
    assert.deepEqual(await errorOf(wrong), [401, 'invalid_client'])
    assert.deepEqual(await errorOf(await form({ ...user, client_secret: 'x' }, basic('backend:backend-secret'))), [400, 'invalid_request'])
    assert.deepEqual(await errorOf(await form(user, basic('%ff:%'))), [401, 'invalid_client'])
  })
})

describe('refresh', () => {
  test('each token is good once; one that comes back ends the session', async () => {
    const first = await logIn()
    const second = (await (await refresh(first.refresh_token)).json()) as Tokens
    assert.notEqual(second.refresh_token, first.refresh_token)
    assert.equal(decodeJwt(second.access_token)['sid'], decodeJwt(first.access_token)['sid'])
    const third = (await (await refresh(second.refresh_token)).json()) as Tokens
    assert.deepEqual(await errorOf(await refresh(first.refresh_token)), [400, 'invalid_grant'])
    assert.deepEqual(await errorOf(await refresh(third.refresh_token)), [400, 'invalid_grant'])
    const { sid, sub } = decodeJwt(third.access_token) as { sid: string; sub: string }
    const now = Math.floor(Date.now() / 1000)
    assert.equal(origin.refuses('acme', { session: sid, subject: sub, issuedAt: now, expiresAt: now + 300 }), 'session_revoked')
    assert.equal((await refresh((await logIn()).refresh_token)).status, 200)
  })

  test('of several at once one succeeds', async () => {
    const { refresh_token: token } = await logIn()
    const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(token)))
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
  })

  test('only refresh tokens of this client refresh', async () => {
    const { access_token: access, refresh_token: token, id_token: id = '' } = await logIn('alice', { scope: 'openid' })
    for (const wrong of [access, id, 'x', `${token}x`]) assert.deepEqual(await errorOf(await refresh(wrong)), [400, 'invalid_grant'])
    assert.deepEqual(await errorOf(await refresh(token, { client_id: 'short' })), [400, 'invalid_grant'])
    assert.deepEqual(await errorOf(await form({ grant_type: 'refresh_token', client_id: 'demo' })), [400, 'invalid_request'])
    assert.equal((await refresh(token)).status, 200)
  })

  test('an ended session, and a logged-out user, refresh no more', async () => {
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

test('after a logout everywhere the next login waits for the next second, and its tokens are good', async () => {
  for (let round = 0; round < 3; round += 1) {
    const sub = decodeJwt((await logIn()).access_token).sub ?? ''
    await origin.logoutUser('acme', sub)
    const start = performance.now()
    const { access_token: token } = await logIn()
    assert.ok(performance.now() - start < 1_500)
    const { iat = 0 } = decodeJwt(token)
    assert.ok(iat > origin.userNotBefore('acme', sub))
    assert.ok(iat <= Date.now() / 1000)
  }
})

test('after a raise of the token version nothing older is good, and the next login has the new one', async () => {
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

describe('logout', () => {
  const query = (parameters: Record<string, string>): string => `${ROOT}/logout?${new URLSearchParams(parameters)}`

  test('an ID token ends its session, expired or not', async () => {
    const tokens = await logIn('alice', { scope: 'openid' })
    const response = await ask(query({ id_token_hint: tokens.id_token ?? '', client_id: 'demo' }))
    assert.equal(response.status, 200)
    assert.deepEqual(await errorOf(await refresh(tokens.refresh_token)), [400, 'invalid_grant'])
    const short = await logIn('alice', { scope: 'openid', client_id: 'short' })
    await new Promise((resolve) => setTimeout(resolve, 2_100))
    const posted = { method: 'POST', body: new URLSearchParams({ id_token_hint: short.id_token ?? '' }) }
    assert.equal((await ask(`${ROOT}/logout`, posted)).status, 200)
  })

  test('sends the browser only where the client has registered', async () => {
    const uri = 'https://app.test/bye?x=1'
    const { id_token: hint = '' } = await logIn('alice', { scope: 'openid' })
    for (const wrong of ['https://evil.test/', `${uri}&y`, 'https://app.test/bye']) {
      assert.deepEqual(await errorOf(await ask(query({ id_token_hint: hint, post_logout_redirect_uri: wrong }))), [400, 'invalid_request'])
    }
    const response = await ask(query({ id_token_hint: hint, post_logout_redirect_uri: uri, state: 'a b' }))
    assert.equal(response.status, 303)
    assert.equal(response.headers.get('location'), 'https://app.test/bye?x=1&state=a+b')
  })

  test('a client may give its refresh token instead, as in Keycloak', async () => {
    const tokens = await logIn()
    const post = (parameters: Record<string, string>): Promise<Response> =>
      ask(`${ROOT}/logout`, { method: 'POST', body: new URLSearchParams(parameters) })
    assert.equal((await post({ client_id: 'short', refresh_token: tokens.refresh_token })).status, 400)
    assert.equal((await post({ client_id: 'demo', refresh_token: tokens.access_token })).status, 400)
    assert.equal((await post({ client_id: 'demo', refresh_token: tokens.refresh_token })).status, 204)
    assert.deepEqual(await errorOf(await refresh(tokens.refresh_token)), [400, 'invalid_grant'])
  })

  test('nobody is logged out by a link', async () => {
    const { access_token: access, id_token: hint = '' } = await logIn('alice', { scope: 'openid' })
    for (const parameters of [
      {},
      { id_token_hint: 'x' },
      { id_token_hint: access },
      { id_token_hint: hint, client_id: 'short' },
      { logout_hint: 'alice' },
    ]) {
      assert.deepEqual(await errorOf(await ask(query(parameters as Record<string, string>))), [400, 'invalid_request'])
    }
  })
})

test('the origin knows the tokens, and an administrator logs somebody out', async () => {
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

describe('administration', () => {
  const administration = () => {
    assert.ok(issuer.realm.administration !== undefined)
    return issuer.realm.administration
  }

  test('lists users, by a part of the name, in pages', async () => {
    const names = async (query: { search?: string; first: number; max: number }): Promise<string[]> =>
      (await administration().users(query)).map(({ username }) => username)
    assert.deepEqual(await names({ first: 0, max: 10 }), ['admin', 'alice', 'bob'])
    assert.deepEqual(await names({ first: 1, max: 1 }), ['alice'])
    assert.deepEqual(await names({ search: 'LI', first: 0, max: 10 }), ['alice'])
    assert.deepEqual(await names({ search: '%', first: 0, max: 10 }), [])
    const [admin] = await administration().users({ search: 'admin', first: 0, max: 10 })
    assert.equal(admin?.id, decodeJwt((await logIn('admin')).access_token).sub)
    assert.deepEqual(admin?.roles, ['portcullis-admin'])
  })

  test('lists the sessions of a user that are not ended', async () => {
    const { sub = '', sid } = decodeJwt((await logIn('bob')).access_token)
    const { sid: other } = decodeJwt((await logIn('bob')).access_token)
    const now = Math.floor(Date.now() / 1000)
    const sessions = (await administration().sessions(sub)) ?? []
    const found = sessions.find(({ id }) => id === sid)
    assert.deepEqual({ ...found, start: 0, lastAccess: 0 }, { id: sid, userId: sub, username: 'bob', start: 0, lastAccess: 0, clients: ['demo'] })
    assert.ok(Math.abs((found?.start ?? 0) - now) <= 2 && Math.abs((found?.lastAccess ?? 0) - now) <= 2)
    await administration().sessionEnded(String(sid))
    const left = ((await administration().sessions(sub)) ?? []).map(({ id }) => id)
    assert.ok(!left.includes(String(sid)) && left.includes(String(other)))
    assert.equal(await administration().sessions('nobody'), undefined)
  })

  test('knows its refresh tokens and no other token', async () => {
    const { refresh_token: token, access_token: access } = await logIn()
    const { sub, sid } = decodeJwt(access)
    assert.deepEqual(await administration().refreshToken(token), { client: 'demo', session: sid, subject: sub })
    await refresh(token)
    assert.deepEqual(await administration().refreshToken(token), { client: 'demo', session: sid, subject: sub })
    for (const wrong of [access, `${token}x`, '']) assert.equal(await administration().refreshToken(wrong), undefined)
  })

  test('adds and retires keys; a banned one signs no more', async () => {
    const kidOf = (tokens: Tokens): string | undefined => decodeProtectedHeader(tokens.access_token).kid
    const old = await logIn()
    const added = await administration().addKey()
    assert.equal(added.status, 'ACTIVE')
    assert.equal(added.thumbprint, added.kid)
    const young = await logIn()
    assert.equal(kidOf(young), added.kid)
    assert.equal((await refresh(old.refresh_token)).status, 200)
    assert.equal(await administration().retireKey(added.kid), 'active')
    assert.equal(await administration().retireKey('no such key'), 'unknown')
    await origin.revokeToken(young.access_token)
    await origin.banKey('acme', added.kid)
    assert.equal(kidOf(await logIn()), kidOf(old))
    assert.deepEqual(await errorOf(await refresh(young.refresh_token)), [400, 'invalid_grant'])
    const status = new Map((await administration().keys()).map((key) => [key.kid, key.status]))
    assert.equal(status.get(added.kid), 'DISABLED')
    assert.equal(status.get(kidOf(old) ?? ''), 'ACTIVE')
    await origin.banKey('acme', kidOf(old) ?? '', { force: true })
    const made = kidOf(await logIn())
    assert.ok(made !== added.kid && made !== kidOf(old))
    assert.equal(await administration().retireKey(added.kid), 'retired')
    assert.deepEqual((await administration().keys()).map(({ kid }) => kid), [made, kidOf(old)])
  })
})

test('keys, users and sessions outlive a restart; a key of another algorithm joins the set', async () => {
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

test('options that are wrong are named', async () => {
  const bad: [RegExp, object][] = [
    [/either path or database/, { issuer: ISSUER }],
    [/must end with \/realms\/acme/, { path: 'x', issuer: 'http://localhost' }],
    [/algorithm must be/, { path: 'x', issuer: ISSUER, algorithm: 'HS256' }],
    [/unknown option 'user'/, { path: 'x', issuer: ISSUER, user: [] }],
  ]
  for (const [message, options] of bad)
    await assert.rejects(createDevIssuer(options as DevIssuerOptions), { code: 'invalid_option', message })
})

test('an issuer that is not attached says so', async () => {
  const path = join(folder, 'alone.db')
  const alone = await createDevIssuer({ path, issuer: ISSUER })
  const realm = { ...alone.realm }
  const log = console.error
  const errors: unknown[] = []
  console.error = (...given: unknown[]) => void errors.push(given)
  try {
    const body = new URLSearchParams({ grant_type: 'password', client_id: 'demo', username: 'alice', password: 'alice-password' })
    const response = await alone.fetch(new Request(`${ROOT}/token`, { method: 'POST', body }))
    assert.equal(response?.status, 500)
    assert.match(String((errors[0] as unknown[])[1]), /attach\(origin\)/)
  } finally {
    console.error = log
  }
  await (await createOrigin({ store: memoryStore(), signingKey, realms: [realm] })).close()
  await alone.close()
})
