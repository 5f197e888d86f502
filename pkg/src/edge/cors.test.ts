// protect's CORS option: credentials, exposed headers, patterns and functions. Lists of origins are in protect.test.ts.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createGate } from '../entry/edge/node.ts'
import type { CorsOptions, ProtectedHandler, Report } from '../types.ts'
import { TestRealm } from './testing/realm.ts'

const APP = 'https://app.example'

async function started(t: TestContext, cors: CorsOptions, handler: ProtectedHandler = () => new Response('hello')) {
  const realm = await TestRealm.start(t)
  const reports: Report[] = []
  const gate = createGate(realm.options({ onReport: (report) => reports.push(report) }))
  t.after(() => gate.close())
  const worker = gate.protect(handler, { cors })
  const authorization = `Bearer ${await realm.token()}`
  const ask = (origin?: string, headers: Record<string, string> = { authorization }, method = 'GET') =>
    worker(
      new Request('http://edge.example/api', {
        method,
        headers: { ...headers, ...(origin === undefined ? {} : { origin }) },
      }),
    )
  const preflight = (origin: string) =>
    ask(
      origin,
      { 'access-control-request-method': 'PUT', 'access-control-request-headers': 'authorization' },
      'OPTIONS',
    )
  const optionReports = () => reports.filter(({ kind }) => kind === 'options').map(({ error }) => error.detail)
  return { ask, preflight, optionReports }
}

/** Returns the CORS headers of a response, and Vary. */
function corsOf({ headers }: Response): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-') || name === 'vary'))
}

test('with credentials, cookies are sent to allowed origins, and preflights name every method and header', async (t) => {
  const { ask, preflight } = await started(t, {
    origins: [APP],
    credentials: 'include',
    exposed: ['ETag', 'X-Request-Id'],
  })
  assert.deepEqual(corsOf(await preflight(APP)), {
    'access-control-allow-credentials': 'true',
    'access-control-allow-headers': 'Authorization, Content-Type',
    'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
    'access-control-allow-origin': APP,
    'access-control-max-age': '600',
    vary: 'Origin',
  })
  const readable = {
    'access-control-allow-credentials': 'true',
    'access-control-allow-origin': APP,
    'access-control-expose-headers': 'WWW-Authenticate, ETag, X-Request-Id',
    vary: 'Origin',
  }
  assert.deepEqual(corsOf(await ask(APP)), readable)
  const refused = await ask(APP, {})
  assert.equal(refused.status, 401)
  assert.deepEqual(corsOf(refused), readable)
})

test("a refused origin gets no CORS headers, regardless of the handler's", async (t) => {
  const own = { 'access-control-allow-origin': '*', 'access-control-allow-credentials': 'true' }
  const { ask, preflight } = await started(
    t,
    { origins: [APP], credentials: 'include' },
    () => new Response(null, { headers: own }),
  )
  for (const origin of [
    'https://evil.example',
    'null',
    'https://app.example.',
    'https://APP.example',
    'https://app.example:443',
  ]) {
    for (const response of [await ask(origin), await ask(origin, {}), await preflight(origin)])
      assert.deepEqual(corsOf(response), { vary: 'Origin' }, origin)
  }
  assert.deepEqual(corsOf(await ask()), { vary: 'Origin' })
})

test('without credentials the handler cannot allow them', async (t) => {
  const { ask } = await started(
    t,
    { origins: '*' },
    () => new Response(null, { headers: { 'access-control-allow-credentials': 'true' } }),
  )
  assert.deepEqual(corsOf(await ask(APP)), {
    'access-control-allow-origin': '*',
    'access-control-expose-headers': 'WWW-Authenticate',
  })
})

test('a pattern allows any one label', async (t) => {
  const { ask, preflight, optionReports } = await started(t, { origins: ['https://*.app.example'] })
  for (const response of [await ask('https://tenant-1.app.example'), await preflight('https://tenant-1.app.example')]) {
    assert.equal(response.headers.get('access-control-allow-origin'), 'https://tenant-1.app.example')
  }
  for (const origin of ['https://app.example', 'https://a.b.app.example', 'null'])
    assert.deepEqual(corsOf(await ask(origin)), { vary: 'Origin' }, origin)
  assert.deepEqual(optionReports(), [])
})

test('a pattern below a shared suffix is reported once, at the first request', async (t) => {
  const { ask, optionReports } = await started(t, { origins: [APP, 'https://*.vercel.app'] })
  assert.deepEqual(optionReports(), [])
  for (let times = 0; times < 3; times++)
    assert.equal(
      (await ask('https://mine.vercel.app')).headers.get('access-control-allow-origin'),
      'https://mine.vercel.app',
    )
  assert.deepEqual(optionReports(), ['public_suffix'])
})

test('a function decides while the token is checked', async (t) => {
  const tenants = new Set([APP])
  const { ask, preflight, optionReports } = await started(t, { origins: async (origin) => tenants.has(origin) })
  for (const response of [await ask(APP), await ask(APP, {}), await preflight(APP)])
    assert.equal(response.headers.get('access-control-allow-origin'), APP)
  for (const response of [await ask('https://evil.example'), await preflight('https://evil.example'), await ask()]) {
    assert.deepEqual(corsOf(response), { vary: 'Origin' })
  }
  tenants.add('https://evil.example')
  assert.equal((await ask('https://evil.example')).headers.get('access-control-allow-origin'), 'https://evil.example')
  assert.deepEqual(optionReports(), [])
})

test('a function that throws fails no request', async (t) => {
  const { ask, preflight, optionReports } = await started(t, {
    origins: () => {
      throw new Error('database down')
    },
  })
  for (let times = 0; times < 2; times++) {
    const response = await ask(APP)
    assert.equal(response.status, 200)
    assert.equal(await response.text(), 'hello')
    assert.deepEqual(corsOf(response), { vary: 'Origin' })
    assert.equal((await preflight(APP)).status, 204)
  }
  assert.deepEqual(optionReports(), ['origin_function'])
})

test("if the options' env is unavailable, a function that throws fails no preflight", async () => {
  const gate = createGate<{ tenant: string }>(() => {
    throw new Error('no such tenant')
  })
  const worker = gate.protect(() => new Response(), {
    cors: {
      origins: () => {
        throw new Error('database down')
      },
    },
  })
  const headers = { origin: APP, 'access-control-request-method': 'PUT' }
  const response = await worker(new Request('http://edge.example/api', { method: 'OPTIONS', headers }))
  assert.deepEqual([response.status, corsOf(response)], [204, { vary: 'Origin' }])
})

test('wrong options throw immediately', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  const wrong: [object, RegExp][] = [
    [{ origins: '*', credentials: 'include' }, /options\.cors\.origins must name each/],
    [{ origins: [APP], credentials: 'include', headers: ['*'] }, /options\.cors\.headers must name each/],
    [{ origins: [APP], credentials: 'include', methods: ['*'] }, /options\.cors\.methods must name each/],
    [{ origins: [APP], credentials: 'include', exposed: ['*'] }, /options\.cors\.exposed must name each/],
    [{ origins: [APP], credentials: true }, /options\.cors\.credentials must be 'omit' or 'include'/],
    [{ origins: [APP], exposed: ['a b'] }, /options\.cors\.exposed\[0\] must be a method or header name/],
    [{ origins: ['null'] }, /options\.cors\.origins\[0\] must be an origin/],
    [{ origins: /app/ }, /options\.cors\.origins must be '\*', or a non-empty array/],
    [{ origin: APP, origins: [APP] }, /unknown option 'origin'; did you mean 'origins'/],
  ]
  for (const [cors, message] of wrong) {
    assert.throws(() => gate.protect(() => new Response(), { cors: cors as CorsOptions }), {
      code: 'invalid_option',
      message,
    })
  }
})
