// Where a request carries its token: one place for each set of options, and a clear refusal if it carries two.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createGate } from '../../entry/edge/node.ts'
import type { CookieSource, Gate, RequestLike, TokenSource } from '../../types.ts'
import { TestRealm } from '../testing/realm.ts'

const URL_WITH_TOKEN = 'https://edge.example/?access_token='
const COOKIE: CookieSource = { cookie: '__Host-token', origins: ['https://app.example'] }

async function started(t: TestContext) {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  return { realm, gate, token: await realm.token() }
}

/** Returns `accepted` or the reason, from `authenticate`; `authenticator` and `protect` must agree. */
async function answer(
  gate: Gate,
  source: TokenSource | undefined,
  headers: Record<string, string | string[]>,
  method = 'GET',
  url = 'https://edge.example/',
) {
  const request = requestOf(headers, method, url)
  const options = source === undefined ? {} : { token: source }
  const verdict = await gate.authenticate(request, options)
  assert.deepEqual(await gate.authenticator(options)(request), verdict)
  const response = await gate.protect(() => new Response('in'), options)(request as Request)
  assert.equal(response.status, verdict.ok ? 200 : verdict.status)
  if (!verdict.ok) assert.equal(await response.text(), await gate.challenge(verdict).text())
  return verdict.ok ? 'accepted' : verdict.reason
}

/** Returns a request as servers create it: `Request` itself would drop headers that only browsers and servers set. */
function requestOf(headers: Record<string, string | string[]>, method: string, url: string): RequestLike {
  const all = new Headers()
  for (const [name, values] of Object.entries(headers)) for (const value of [values].flat()) all.append(name, value)
  return { method, headers: all, url } as RequestLike
}

test('by default the token is in Authorization, once, in any case of the scheme', async (t) => {
  const { gate, token } = await started(t)
  const cases: [Record<string, string | string[]>, string][] = [
    [{ authorization: `Bearer ${token}` }, 'accepted'],
    [{ authorization: `bearer ${token}` }, 'accepted'],
    [{ authorization: `BEARER   ${token}` }, 'accepted'],
    [{}, 'missing_token'],
    [{ authorization: 'Basic dXNlcjpwYXNz' }, 'missing_token'],
    [{ authorization: 'Bearer' }, 'malformed'],
    [{ authorization: 'Bearer ' }, 'malformed'],
    [{ authorization: [`Bearer ${token}`, `Bearer ${token}`] }, 'invalid_request'],
    [{ authorization: [`Bearer ${token}`, 'Basic dXNlcjpwYXNz'] }, 'invalid_request'],
    [{ authorization: ['Basic dXNlcjpwYXNz', `Bearer ${token}`] }, 'invalid_request'],
    [{ authorization: token }, 'missing_token'],
    [{ cookie: `__Host-token=${token}` }, 'missing_token'],
    [{ 'sec-websocket-protocol': `auth, ${token}` }, 'missing_token'],
    [{ 'x-token': token }, 'missing_token'],
  ]
  for (const source of [undefined, 'bearer'] as const) {
    for (const [headers, expected] of cases)
      assert.equal(await answer(gate, source, headers), expected, JSON.stringify(headers).slice(0, 60))
    assert.equal(await answer(gate, source, {}, 'GET', URL_WITH_TOKEN + token), 'missing_token', 'never the query')
  }
})

test('a cookie: chooses no token if it occurs twice or together with Authorization', async (t) => {
  const { gate, token } = await started(t)
  const cookie = `a=1; __Host-token=${token}; b=2`
  const cases: [Record<string, string | string[]>, string][] = [
    [{ cookie }, 'accepted'],
    [{ cookie: `__Host-token="${token}"` }, 'accepted'],
    [{ cookie: 'a=1' }, 'missing_token'],
    [{ authorization: `Bearer ${token}` }, 'missing_token'],
    [{ cookie: '__Host-token=' }, 'malformed'],
    [{ cookie: '__Host-token=garbage' }, 'malformed'],
    [{ cookie: `${cookie}; __Host-token=x` }, 'invalid_request'],
    [{ cookie, authorization: `Bearer ${token}` }, 'invalid_request'],
    [{ cookie, authorization: `DPoP ${token}` }, 'invalid_request'],
    [{ cookie, authorization: '' }, 'invalid_request'],
    [{ cookie, authorization: ['Basic dXNlcjpwYXNz', `Bearer ${token}`] }, 'invalid_request'],
    [{ cookie, authorization: 'Basic dXNlcjpwYXNz' }, 'accepted'],
  ]
  for (const [headers, expected] of cases)
    assert.equal(await answer(gate, COOKIE, headers), expected, JSON.stringify(headers))
})

test('a cookie on a request that changes something, or opens a WebSocket, needs proof of the page', async (t) => {
  const { gate, token } = await started(t)
  const cookie = `__Host-token=${token}`
  const cases: [string, Record<string, string>, string][] = [
    ['POST', {}, 'cross_site'],
    ['POST', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, 'cross_site'],
    ['POST', { 'sec-fetch-site': 'same-site' }, 'cross_site'],
    ['POST', { origin: 'https://edge.example', host: 'edge.example' }, 'cross_site'],
    ['POST', { 'sec-fetch-site': 'same-origin' }, 'accepted'],
    ['DELETE', { origin: 'https://app.example' }, 'accepted'],
    ['GET', { 'sec-fetch-site': 'cross-site' }, 'accepted'],
    ['GET', { upgrade: 'WebSocket' }, 'cross_site'],
    ['GET', { upgrade: 'websocket', origin: 'https://evil.example' }, 'cross_site'],
    ['GET', { upgrade: 'websocket', origin: 'https://app.example' }, 'accepted'],
  ]
  for (const [method, headers, expected] of cases) {
    assert.equal(
      await answer(gate, COOKIE, { cookie, ...headers }, method),
      expected,
      `${method} ${JSON.stringify(headers)}`,
    )
    // Pages only send a token without being asked if it is a cookie.
    assert.equal(await answer(gate, 'bearer', { authorization: `Bearer ${token}`, ...headers }, method), 'accepted')
  }
  assert.equal(
    await answer(gate, { cookie: '__Host-token' }, { cookie, origin: 'https://app.example' }, 'POST'),
    'cross_site',
    'no origin by default',
  )
  const sameSite: CookieSource = { cookie: '__Host-token', fetchSites: ['same-origin', 'same-site'] }
  assert.equal(await answer(gate, sameSite, { cookie, 'sec-fetch-site': 'same-site' }, 'POST'), 'accepted')
  const refused = await gate.challenge({ ok: false, reason: 'cross_site', status: 403 })
  assert.deepEqual([refused.status, refused.headers.get('www-authenticate')], [403, null])
})

test('a header whose whole value is the token', async (t) => {
  const { gate, token } = await started(t)
  const source = { header: 'X-Access-Token' }
  const cases: [Record<string, string | string[]>, string][] = [
    [{ 'x-access-token': token }, 'accepted'],
    [{ 'x-access-token': ` ${token} `, authorization: 'Bearer of something else' }, 'accepted'],
    [{}, 'missing_token'],
    [{ authorization: `Bearer ${token}` }, 'missing_token'],
    [{ 'x-access-token': '' }, 'malformed'],
    [{ 'x-access-token': `Bearer ${token}` }, 'malformed'],
    [{ 'x-access-token': [token, token] }, 'invalid_request'],
  ]
  for (const [headers, expected] of cases)
    assert.equal(await answer(gate, source, headers), expected, JSON.stringify(headers).slice(0, 60))
})

test('a subprotocol of a WebSocket', async (t) => {
  const { gate, token } = await started(t)
  const source = { subprotocol: 'auth' }
  const cases: [Record<string, string>, string][] = [
    [{ 'sec-websocket-protocol': `chat, auth, ${token}` }, 'accepted'],
    [{ 'sec-websocket-protocol': `auth.${token}, chat` }, 'accepted'],
    [{ 'sec-websocket-protocol': 'chat' }, 'missing_token'],
    [{ 'sec-websocket-protocol': 'auth' }, 'malformed'],
    [{ 'sec-websocket-protocol': `auth, ${token}, auth.${token}` }, 'invalid_request'],
    [{ 'sec-websocket-protocol': `auth, ${token}`, authorization: `Bearer ${token}` }, 'invalid_request'],
    [{ authorization: `Bearer ${token}` }, 'missing_token'],
  ]
  for (const [headers, expected] of cases)
    assert.equal(
      await answer(gate, source, { upgrade: 'websocket', ...headers }),
      expected,
      JSON.stringify(headers).slice(0, 60),
    )
})

test("protect sends no response that names the token's subprotocol", async (t) => {
  const { gate, realm, token } = await started(t)
  const request = new Request('https://edge.example/', {
    headers: { 'sec-websocket-protocol': `chat, auth, ${token}` },
  })
  const echoing = (chosen: string, change: (response: Response) => void = () => undefined) =>
    gate.protect(
      () => {
        const response = new Response('in', { headers: { 'sec-websocket-protocol': chosen } })
        change(response)
        return response
      },
      { token: { subprotocol: 'auth' } },
    )(request)
  const immutable = {
    value: () => {
      throw new TypeError('immutable')
    },
  }
  for (const [chosen, kept] of [
    ['chat', 'chat'],
    ['auth', null],
    [token, null],
    [`chat, auth, ${token}`, 'chat'],
  ] as const) {
    for (const change of [
      undefined,
      (response: Response) => Object.defineProperties(response.headers, { set: immutable, delete: immutable }),
    ]) {
      const response = await echoing(chosen, change)
      assert.deepEqual(
        [response.status, response.headers.get('sec-websocket-protocol'), await response.text()],
        [200, kept, 'in'],
      )
    }
  }
  // A protocol switch cannot be copied, here.
  const switching = await echoing(token, (response) => {
    Object.defineProperties(response.headers, { set: immutable, delete: immutable })
    Object.defineProperty(response, 'status', { value: 101 })
  })
  assert.equal(switching.status, 500)
  assert.equal(switching.headers.get('sec-websocket-protocol'), null)
  assert.match(realm.reports.at(-1)?.error.message ?? '', /subprotocol/)
  assert.ok(!JSON.stringify(realm.reports).includes(token))
})

test('a function: what it returns is checked like any other token', async (t) => {
  const { gate, realm, token } = await started(t)
  const source = ({ headers }: RequestLike) => headers.get('x-forwarded-token')
  assert.equal(await answer(gate, source, { 'x-forwarded-token': token }), 'accepted')
  assert.equal(await answer(gate, source, { 'x-forwarded-token': await realm.token({ exp: 1, iat: 0 }) }), 'expired')
  assert.equal(await answer(gate, source, {}), 'missing_token')
  assert.equal(await answer(gate, () => undefined, { authorization: `Bearer ${token}` }), 'missing_token')
  assert.equal(await answer(gate, () => '', {}), 'malformed')
  assert.equal(await answer(gate, () => 'trusted', {}), 'malformed')
})

test('a function that throws or returns another type is an error with a remedy; protect responds with 500', async (t) => {
  const { gate, realm, token } = await started(t)
  const secret = new Error('the cause')
  const wrong: [() => unknown, RegExp][] = [
    [
      () => {
        throw secret
      },
      /options\.token threw: return undefined/,
    ],
    [() => 7, /a value that is not a string: return the token synchronously/],
    [() => ({ token }), /a value that is not a string/],
    [async () => token, /a value that is not a string/],
    [
      async () => {
        throw secret
      },
      /a value that is not a string/,
    ],
    [
      () => ({
        get then() {
          throw secret
        },
      }),
      /a value that is not a string/,
    ],
  ]
  for (const [source, message] of wrong) {
    const options = { token: source as () => string }
    const request = requestOf({ authorization: `Bearer ${token}` }, 'GET', 'https://edge.example/')
    await assert.rejects(gate.authenticate(request, options), { code: 'invalid_option', detail: 'token', message })
    await assert.rejects(gate.authenticator(options)(request), { code: 'invalid_option', detail: 'token', message })
    const response = await gate.protect(() => new Response('in'), options)(request as Request)
    assert.equal(response.status, 500)
    assert.equal(((await response.json()) as { error: string }).error, 'server_error')
    assert.match(realm.reports.at(-1)?.error.message ?? '', message)
    assert.ok(!JSON.stringify(realm.reports).includes(token))
  }
})

test('every method refuses wrong sources immediately', async (t) => {
  const { gate } = await started(t)
  const wrong: unknown[] = [
    'cookie',
    'Bearer',
    '',
    null,
    7,
    [],
    {},
    { cookies: 'a' },
    { cookie: '' },
    { cookie: 'a b' },
    { cookie: 'a=b' },
    { cookie: 'a;b' },
    { cookie: ['a'] },
    { cookie: 'a', header: 'b' },
    { cookie: 'a', origin: 'https://app.example' },
    { cookie: 'a', origins: 'https://app.example' },
    { cookie: 'a', origins: ['*'] },
    { cookie: 'a', origins: ['null'] },
    { cookie: 'a', origins: ['https://app.example/'] },
    { cookie: 'a', origins: ['https://*.app.example'] },
    { cookie: 'a', fetchSites: ['cross-site'] },
    { cookie: 'a', fetchSites: 'same-site' },
    { header: 'a b' },
    { header: '' },
    { header: 'Cookie' },
    { header: 'sec-websocket-PROTOCOL' },
    { subprotocol: 'a,b' },
    { subprotocol: 7 },
    Object.create({ cookie: 'a' }),
  ]
  const request = new Request('https://edge.example/')
  for (const token of wrong) {
    const options = { token } as object
    assert.throws(
      () => gate.authenticator(options),
      { code: 'invalid_option', message: /options\.token/ },
      JSON.stringify(token),
    )
    assert.throws(() => gate.protect(() => new Response(), options), { code: 'invalid_option' })
    await assert.rejects(gate.authenticate(request, options), { code: 'invalid_option' })
  }
})

test("later changes to the caller's source have no effect", async (t) => {
  const { gate, token } = await started(t)
  const source: CookieSource = { cookie: 'token', origins: [], fetchSites: ['same-origin'] }
  const authenticate = gate.authenticator({ token: source })
  source.origins?.push('https://evil.example')
  source.fetchSites?.push('same-site')
  const headers = { cookie: `token=${token}`, origin: 'https://evil.example', 'sec-fetch-site': 'same-site' }
  assert.deepEqual((await authenticate(requestOf(headers, 'POST', 'https://edge.example/'))).ok, false)
})

test('check of a token with a scheme in front gives advice without repeating the token', async (t) => {
  const { gate, token } = await started(t)
  await gate.refresh()
  for (const wrong of [`Bearer ${token}`, `bearer  ${token}`, ` Bearer ${token}`]) {
    const advice = 'The access token begins with the scheme Bearer: pass only what follows it.'
    const refusal = { ok: false, reason: 'malformed', status: 401, advice }
    assert.deepEqual(await gate.check(wrong), refusal)
    assert.deepEqual(gate.checkSync(wrong), refusal)
    const checks = await gate.explain(wrong)
    assert.match(checks.find(({ outcome }) => outcome === 'failed')?.detail ?? '', /pass only what follows it\.$/)
    assert.ok(!JSON.stringify(checks).includes(token.slice(0, 20)))
  }
  assert.deepEqual(await gate.check('garbage'), { ok: false, reason: 'malformed', status: 401 })
})
