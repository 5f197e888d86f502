// The refresh token in a cookie, which pages of other sites cannot use.

import assert from 'node:assert/strict'
import { decodeJwt } from 'jose'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createOrigin, generateFeedKey, type Origin } from '../../entry/origin/node.ts'
import { sqliteStore } from '../../origin/store/sqlite/index.ts'
import { createDevIssuer, type DevIssuer } from './index.ts'

const BASE = 'https://idp.example/realms/acme'
const APP = 'https://app.example'
const NAME = '__Host-portcullis-refresh'
const OWN = { origin: APP, 'sec-fetch-site': 'same-site', 'portcullis-csrf': '1' }

let folder: string
let issuer: DevIssuer
let origin: Origin

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-cookie-'))
  const path = join(folder, 'a.db')
  issuer = await createDevIssuer({
    path,
    issuer: BASE,
    algorithm: 'ES256',
    corsOrigins: [APP],
    clients: [{ id: 'web', refreshTokenIn: 'cookie' }, { id: 'demo' }],
  })
  const { signingKey } = await generateFeedKey()
  origin = await createOrigin({
    store: sqliteStore({ path }),
    signingKey,
    realms: [issuer.realm],
    clients: issuer.clients,
    corsOrigins: [APP],
    expireCookies: ['__Host-own'],
  })
  issuer.attach(origin)
})
after(async () => {
  await issuer.close()
  await origin.close()
  await rm(folder, { recursive: true })
})

async function post(
  endpoint: string,
  form: Record<string, string>,
  headers: Record<string, string> = OWN,
): Promise<Response> {
  const request = new Request(`${BASE}/protocol/openid-connect/${endpoint}`, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers,
  })
  return (await issuer.fetch(request)) ?? origin.fetch(request)
}

function logIn(headers?: Record<string, string>, client = 'web'): Promise<Response> {
  return post(
    'token',
    { grant_type: 'password', client_id: client, username: 'alice', password: 'alice-password', scope: 'openid' },
    headers,
  )
}

/** The cookie as the browser sends it back. */
function cookieOf(response: Response): string {
  return response.headers
    .getSetCookie()
    .map((each) => each.split(';', 1)[0])
    .join('; ')
}

async function opened(): Promise<{ cookie: string; accessToken: string; idToken: string }> {
  const response = await logIn()
  assert.equal(response.status, 200)
  const { access_token: accessToken, id_token: idToken } = (await response.json()) as {
    access_token: string
    id_token: string
  }
  return { cookie: cookieOf(response), accessToken, idToken }
}

function refresh(
  cookie: string,
  headers: Record<string, string> = OWN,
  more: Record<string, string> = {},
): Promise<Response> {
  return post('token', { grant_type: 'refresh_token', client_id: 'web', ...more }, { ...headers, cookie })
}

function hasEnded(accessToken: string): boolean {
  const { sid, iat = 0, exp = 0 } = decodeJwt(accessToken)
  return origin.refuses('acme', { session: String(sid), issuedAt: iat, expiresAt: exp }) === 'session_revoked'
}

const EXPIRED = `${NAME}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict`

describe('the cookie', () => {
  test('has the refresh token, and the response does not', async () => {
    const response = await logIn()
    assert.match(
      response.headers.get('set-cookie') ?? '',
      new RegExp(`^${NAME}=[\\w.-]+; Path=/; Max-Age=1800; Secure; HttpOnly; SameSite=Strict$`),
    )
    assert.equal(Object.hasOwn((await response.json()) as object, 'refresh_token'), false)
    assert.equal(response.headers.get('access-control-allow-credentials'), 'true')
    assert.equal(response.headers.get('access-control-allow-origin'), APP)
  })

  test('refreshes once', async () => {
    const { cookie, accessToken } = await opened()
    const response = await refresh(cookie)
    assert.equal(response.status, 200)
    assert.notEqual(cookieOf(response), cookie)
    assert.equal((await refresh(cookie)).status, 400)
    assert.ok(hasEnded(accessToken), 'a cookie that was used twice was copied')
  })

  test('a client of one kind cannot refresh as the other', async () => {
    const { cookie } = await opened()
    const token = cookie.slice(NAME.length + 1)
    assert.equal(
      (await post('token', { grant_type: 'refresh_token', client_id: 'demo', refresh_token: token })).status,
      400,
    )
    assert.equal((await refresh('', OWN, { refresh_token: token })).status, 400)
    assert.equal((await refresh(cookie)).status, 200)
    const inBody = await logIn({}, 'demo')
    assert.deepEqual(
      [inBody.status, inBody.headers.getSetCookie(), 'refresh_token' in ((await inBody.json()) as object)],
      [200, [], true],
    )
  })
})

describe('requests that a page of another site can have the browser send are refused', () => {
  const forged: [string, Record<string, string>][] = [
    ['a form', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['a form of a sandboxed frame', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
    ['a form of a sister host', { origin: 'https://other.example', 'sec-fetch-site': 'same-site' }],
    ['a form without Origin', { 'sec-fetch-site': 'cross-site' }],
    ['an old browser that says nothing', {}],
    ['an origin that looks like that of the app', { origin: `${APP}.evil.example`, 'sec-fetch-site': 'cross-site' }],
  ]
  for (const [what, headers] of forged) {
    test(what, async () => {
      const { cookie, accessToken } = await opened()
      for (const each of [headers, { ...headers, 'portcullis-csrf': '1' }]) {
        for (const response of [
          await refresh(cookie, each),
          await logIn(each),
          await post('logout', { client_id: 'web' }, { ...each, cookie }),
          await post('revoke', { client_id: 'web' }, { ...each, cookie }),
        ]) {
          assert.equal(response.status, 403)
          assert.deepEqual([response.headers.getSetCookie(), response.headers.get('clear-site-data')], [[], null])
          assert.equal(response.headers.get('access-control-allow-origin'), null)
        }
      }
      assert.equal(hasEnded(accessToken), false)
      assert.equal((await refresh(cookie)).status, 200, 'the cookie was not spent')
    })
  }

  test('refuses a listed page without the header, such as an injected form', async () => {
    const { cookie } = await opened()
    assert.equal((await refresh(cookie, { origin: APP, 'sec-fetch-site': 'same-site' })).status, 403)
    assert.equal((await refresh(cookie, { 'sec-fetch-site': 'same-origin', 'portcullis-csrf': '1' })).status, 200)
  })

  test('a preflight allows the header to listed origins only', async () => {
    const asks = (from: string): Promise<Response | undefined> =>
      issuer.fetch(
        new Request(`${BASE}/protocol/openid-connect/token`, {
          method: 'OPTIONS',
          headers: {
            origin: from,
            'access-control-request-method': 'POST',
            'access-control-request-headers': 'portcullis-csrf',
          },
        }),
      )
    const allowed = await asks(APP)
    assert.match(allowed?.headers.get('access-control-allow-headers') ?? '', /portcullis-csrf/)
    assert.equal(allowed?.headers.get('access-control-allow-credentials'), 'true')
    assert.equal((await asks('https://evil.example'))?.headers.get('access-control-allow-headers'), null)
  })
})

describe('a logout', () => {
  for (const endpoint of ['logout', 'revoke']) {
    test(`by ${endpoint} ends the session of the cookie, expires it and clears`, async () => {
      const { cookie, accessToken } = await opened()
      const response = await post(endpoint, { client_id: 'web' }, { ...OWN, cookie })
      assert.equal(response.status, endpoint === 'logout' ? 204 : 200)
      assert.deepEqual(response.headers.getSetCookie(), [EXPIRED])
      assert.equal(response.headers.get('clear-site-data'), '"storage"')
      assert.ok(hasEnded(accessToken))
      assert.equal((await refresh(cookie)).status, 400)
      // Again, and without a cookie at all.
      assert.equal((await post(endpoint, { client_id: 'web' }, { ...OWN, cookie })).status, response.status)
      assert.equal((await post(endpoint, { client_id: 'web' })).status, response.status)
    })
  }

  test('by an ID token expires the cookie if a listed page sends it', async () => {
    const { idToken } = await opened()
    const own = await post('logout', { id_token_hint: idToken })
    assert.deepEqual([own.status, own.headers.getSetCookie()], [200, [EXPIRED]])
    const other = await post('logout', { id_token_hint: idToken }, { 'sec-fetch-site': 'cross-site' })
    assert.deepEqual(
      [other.status, other.headers.getSetCookie(), other.headers.get('clear-site-data')],
      [200, [], null],
    )
  })

  test("by the origin's own routes, too; programs and other sites see no difference", async () => {
    const { accessToken } = await opened()
    const json = (headers: Record<string, string>): Promise<Response> =>
      origin.fetch(
        new Request('https://idp.example/v1/auth/token/revoke', {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify({ token: accessToken }),
        }),
      )
    const form = (headers: Record<string, string>): Promise<Response> =>
      post('revoke', { client_id: 'web', token: accessToken }, headers)
    for (const ask of [json, form]) {
      const own = await ask({ 'sec-fetch-site': 'same-origin' })
      assert.deepEqual([own.status, own.headers.get('clear-site-data')], [200, '"storage"'])
      assert.match(own.headers.get('set-cookie') ?? '', /^__Host-own=; Path=\/; Max-Age=0;/)
      for (const headers of [{}, { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }]) {
        const other = await ask(headers)
        assert.deepEqual(
          [other.status, other.headers.getSetCookie(), other.headers.get('clear-site-data')],
          [200, [], null],
        )
      }
    }
  })
})
