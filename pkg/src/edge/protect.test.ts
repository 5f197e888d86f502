import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createGate } from '../entry/edge/node.ts'
import type { ProtectOptions } from '../types.ts'
import { TestRealm } from './testing/realm.ts'

async function started(t: TestContext, options?: ProtectOptions) {
  const realm = await TestRealm.start(t)
  const gate = createGate<{ greeting: string }>(() => realm.options())
  t.after(() => gate.close())
  const worker = gate.protect((_, env, ctx, auth) => {
    const response = Response.json({ greeting: env.greeting, sub: auth.claims.sub, waits: typeof ctx.waitUntil })
    // As in a fetched response.
    Object.defineProperty(response.headers, 'set', { value: () => assert.fail('immutable') })
    return response
  }, options)
  const context = {
    handed: 0,
    waitUntil(this: { handed: number }) {
      this.handed += 1
    },
  }
  const ask = (headers: Record<string, string> = {}, method = 'GET') =>
    worker(new Request('http://edge.example/api', { method, headers }), { greeting: 'hello' }, context)
  return { realm, gate, ask, context }
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

test('passes accepted requests on, with env, context and claims', async (t) => {
  const { realm, ask, context } = await started(t)
  const response = await ask(bearer(await realm.token()))
  assert.deepEqual(await response.json(), { greeting: 'hello', sub: 'alice', waits: 'function' })
  assert.ok(context.handed > 0)
})

test('refuses others: no credentials, bad ones, another scheme', async (t) => {
  const { realm, ask } = await started(t)
  const challenges: [Record<string, string>, string][] = [
    [{}, 'Bearer'],
    [{ authorization: 'Basic dXNlcjpwYXNz' }, 'Bearer'],
    [{ authorization: 'Bearer' }, 'invalid_token'],
    [{ authorization: 'bearer what is this' }, 'invalid_token'],
    [bearer(`${await realm.token()}x`), 'invalid_token'],
    [bearer(await realm.token({ exp: 1, iat: 0 })), 'invalid_token'],
  ]
  for (const [headers, expected] of challenges) {
    const response = await ask(headers)
    assert.equal(response.status, 401)
    const challenge = response.headers.get('www-authenticate') ?? ''
    if (expected === 'Bearer') assert.equal(challenge, 'Bearer')
    else assert.match(challenge, /^Bearer error="invalid_token"/)
    assert.equal(response.headers.get('access-control-allow-origin'), null)
  }
})

test('every scope needed must be granted', async (t) => {
  const { realm, ask } = await started(t, { scope: ['read', 'write'] })
  const scopes: [unknown, number][] = [
    ['read write', 200],
    ['write other read', 200],
    [['read', 'write'], 200],
    ['read', 403],
    ['readwrite', 403],
    ['', 403],
    [undefined, 403],
    [['read write'], 403],
    [{ read: true, write: true }, 403],
  ]
  for (const [scope, status] of scopes) {
    const response = await ask(bearer(await realm.token({ scope })))
    assert.equal(response.status, status, JSON.stringify(scope))
    if (status === 403)
      assert.match(response.headers.get('www-authenticate') ?? '', /error="insufficient_scope".*scope="read write"/)
  }
})

test('the scope may be in a claim of another name', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options({}, { claimNames: { scope: 'scp' } }))
  t.after(() => gate.close())
  const request = new Request('http://edge.example/', { headers: bearer(await realm.token({ scp: 'read' })) })
  assert.equal((await gate.authenticate(request, { scope: ['read'] })).ok, true)
  await assert.rejects(gate.authenticate(request, { scope: 'read' as never }), {
    code: 'invalid_option',
    message: /array of scope tokens/,
  })
  assert.deepEqual(await gate.authenticate(request, { scope: ['write'] }), {
    ok: false,
    reason: 'insufficient_scope',
    status: 403,
    scope: ['write'],
  })
})

test('CORS: preflights need no token; every response has the headers', async (t) => {
  const { realm, ask } = await started(t, { cors: { origins: ['https://app.example'], maxAgeSeconds: 60 } })
  const preflight = { 'access-control-request-method': 'PUT', 'access-control-request-headers': 'authorization' }
  const allowed = await ask({ ...preflight, origin: 'https://app.example' }, 'OPTIONS')
  assert.equal(allowed.status, 204)
  assert.equal(allowed.headers.get('access-control-allow-origin'), 'https://app.example')
  assert.match(allowed.headers.get('access-control-allow-methods') ?? '', /PUT/)
  assert.match(allowed.headers.get('access-control-allow-headers') ?? '', /Authorization/)
  assert.equal(allowed.headers.get('access-control-max-age'), '60')
  const strange = await ask({ ...preflight, origin: 'https://evil.example' }, 'OPTIONS')
  assert.equal(strange.headers.get('access-control-allow-origin'), null)
  assert.equal(strange.headers.get('access-control-allow-methods'), null)
  for (const [headers, status] of [
    [bearer(await realm.token()), 200],
    [{}, 401],
  ] as const) {
    const response = await ask({ ...headers, origin: 'https://app.example' })
    assert.equal(response.status, status)
    assert.equal(response.headers.get('access-control-allow-origin'), 'https://app.example')
    assert.equal(response.headers.get('access-control-expose-headers'), 'WWW-Authenticate')
    assert.equal(response.headers.get('vary'), 'Origin')
    const other = await ask({ ...headers, origin: 'https://evil.example' })
    assert.equal(other.headers.get('access-control-allow-origin'), null)
    assert.equal(other.headers.get('vary'), 'Origin')
  }
})

test('CORS for any origin', async (t) => {
  const { ask } = await started(t, { cors: { origins: '*' } })
  const { headers } = await ask({ origin: 'https://any.example' })
  assert.equal(headers.get('access-control-allow-origin'), '*')
  assert.equal(headers.get('vary'), null, 'the same for all')
  // An OPTIONS request that is not a preflight needs a token like any other.
  assert.equal((await ask({}, 'OPTIONS')).status, 401)
})

test('CORS: a fetched response with immutable headers is copied', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  const worker = gate.protect(() => fetch(`${realm.server.url}/certs`), { cors: { origins: '*' } })
  const request = new Request('http://edge.example/api', { headers: bearer(await realm.token()) })
  for (let times = 0; times < 2; times++) {
    const response = await worker(request)
    assert.equal(response.headers.get('access-control-allow-origin'), '*')
    assert.equal(response.headers.get('access-control-expose-headers'), 'WWW-Authenticate')
    assert.deepEqual(await response.json(), realm.jwks)
  }
  const redirecting = gate.protect(() => Response.redirect('https://elsewhere.example/', 303), {
    cors: { origins: '*' },
  })
  const redirect = await redirecting(request)
  assert.deepEqual([redirect.status, redirect.headers.get('location')], [303, 'https://elsewhere.example/'])
  assert.equal(redirect.headers.get('access-control-allow-origin'), '*')
})

test('CORS: any other response is returned itself, with its own headers', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  const own = {
    vary: 'Accept-Encoding',
    'access-control-expose-headers': 'ETag, www-authenticate',
    'access-control-allow-origin': '*',
  }
  const made: Response[] = []
  const worker = gate.protect(
    () => {
      const response = new Response('hello', { headers: own })
      made.push(response)
      return response
    },
    { cors: { origins: ['https://app.example'] } },
  )
  const headers = bearer(await realm.token())
  const allowed = await worker(
    new Request('http://edge.example/', { headers: { ...headers, origin: 'https://app.example' } }),
  )
  assert.equal(allowed, made[0])
  assert.equal(allowed.headers.get('vary'), 'Accept-Encoding, Origin')
  assert.equal(allowed.headers.get('access-control-expose-headers'), 'ETag, www-authenticate')
  assert.equal(allowed.headers.get('access-control-allow-origin'), 'https://app.example')
  const strange = await worker(
    new Request('http://edge.example/', { headers: { ...headers, origin: 'https://evil.example' } }),
  )
  assert.equal(
    strange.headers.get('access-control-allow-origin'),
    null,
    'the option says who may read, not the handler',
  )
})

test('CORS: a response that is returned again accumulates no headers and keeps none of an earlier origin', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  const same = new Response(null, { status: 204 })
  const worker = gate.protect(() => same, { cors: { origins: ['https://app.example', 'https://other.example'] } })
  const headers = bearer(await realm.token())
  for (const origin of [
    'https://app.example',
    'https://evil.example',
    'https://other.example',
    undefined,
    'https://app.example',
  ]) {
    const from = origin === undefined ? {} : { origin }
    const response = await worker(new Request('http://edge.example/', { headers: { ...headers, ...from } }))
    const allowed = origin?.includes('evil') ? null : (origin ?? null)
    assert.equal(response.headers.get('access-control-allow-origin'), allowed)
    assert.equal(response.headers.get('vary'), 'Origin')
    assert.ok(['WWW-Authenticate', null].includes(response.headers.get('access-control-expose-headers')))
  }
})

test('a handler may return a response or a promise; errors of handler and gate reject', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  const request = new Request('http://edge.example/', { headers: bearer(await realm.token()) })
  assert.equal(await (await gate.protect(async () => new Response('later'))(request)).text(), 'later')
  const failing = gate.protect(() => {
    throw new Error('the handler')
  })
  await assert.rejects(failing(request), { message: 'the handler' })
  await assert.rejects(gate.protect(() => Promise.reject(new Error('later')))(request), { message: 'later' })
  gate.close()
  await assert.rejects(failing(request), { code: 'closed' })
  await assert.rejects(gate.authenticate(request), { code: 'closed' })
})

test('the scope that a handler needs cannot be changed afterwards', async (t) => {
  const realm = await TestRealm.start(t)
  const gate = createGate(realm.options())
  t.after(() => gate.close())
  const scope = ['write']
  const worker = gate.protect(() => new Response(), { scope })
  scope.length = 0
  const response = await worker(
    new Request('http://edge.example/', { headers: bearer(await realm.token({ scope: 'read' })) }),
  )
  assert.equal(response.status, 403)
})

test('every check runs even with a replaced global Promise', async (t) => {
  const realm = await TestRealm.start(t)
  const native = globalThis.Promise
  t.after(() => (globalThis.Promise = native))
  globalThis.Promise = class<T> extends native<T> {} as PromiseConstructor
  for (const [scope, status] of [
    ['read', 403],
    ['write', 200],
  ] as const) {
    const gate = createGate(realm.options())
    const request = new Request('http://edge.example/', { headers: bearer(await realm.token({ scope })) })
    // The first time the state is awaited, the second time it is already loaded.
    for (let times = 0; times < 2; times++) {
      assert.equal((await gate.protect(() => new Response(), { scope: ['write'] })(request)).status, status)
      assert.equal((await gate.authenticate(request, { scope: ['write'] })).ok, status === 200)
    }
    gate.close()
  }
})

test('wrong options throw immediately', async (t) => {
  const { gate } = await started(t)
  const wrong = [
    { scope: ['a b'] },
    { scopes: [] },
    { cors: {} },
    { cors: { origins: [] } },
    { cors: { origins: ['https://app.example/'] } },
    { cors: { origins: '*', methods: ['GET\r\nX: y'] } },
  ]
  for (const options of wrong) {
    assert.throws(() => gate.protect(() => new Response(), options as ProtectOptions), { code: 'invalid_option' })
  }
})
