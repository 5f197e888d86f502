import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test, type TestContext } from 'node:test'
import { json, page as html, redirect, silent, TestServer } from '../test-fixtures/server.ts'
import { logout, type LogoutOptions, onLogout, reportCompromise } from './index.ts'
import { replace, TestPage } from './testing/page.ts'

const revoked = json({ revoked: true })
let server: TestServer
let elsewhere: TestServer
let received: { url: string; type: string; body: string; authorization: string | undefined }[] = []

/** Replies by `listener` once the body has arrived. */
function answering(listener: TestServer['listener']): TestServer['listener'] {
  return (request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const { 'content-type': type = '', authorization } = request.headers
      received.push({ url: request.url ?? '', type, body, authorization })
      listener(request, response)
    })
  }
}

before(async () => {
  server = await TestServer.start(revoked)
  elsewhere = await TestServer.start(revoked)
})
beforeEach(() => {
  server.listener = answering(revoked)
  received = []
})
after(async () => {
  await server.close()
  await elsewhere.close()
})

function options(more: Partial<LogoutOptions> = {}): LogoutOptions {
  return { revokeUrl: `${server.url}/v1/auth/token/revoke`, accessToken: 'access', timeoutMs: 2_000, ...more }
}

describe('revocation', () => {
  test('the access token, at the JSON endpoint', async (t) => {
    TestPage.install(t)
    assert.deepEqual(await logout(options()), { revoked: true, uncleared: [], redirect: 'none' })
    assert.deepEqual(received, [
      { url: '/v1/auth/token/revoke', type: 'application/json', body: '{"token":"access"}', authorization: undefined },
    ])
  })

  test('both tokens, the refresh token first, by forms that need no preflight (RFC 7009)', async (t) => {
    TestPage.install(t)
    server.listener = answering((_, response) => void response.writeHead(200).end())
    const { revoked } = await logout(options({ refreshToken: 'refresh', clientId: 'demo' }))
    assert.equal(revoked, true)
    assert.deepEqual(received.map(({ body }) => body).sort(), [
      'token=access&token_type_hint=access_token&client_id=demo',
      'token=refresh&token_type_hint=refresh_token&client_id=demo',
    ])
    assert.ok(received.every(({ type }) => /^application\/x-www-form-urlencoded/.test(type)))
  })

  test('the requests outlive the page, are not cached and follow no redirect', async (t) => {
    TestPage.install(t)
    const inits: RequestInit[] = []
    const fetch = async (_: unknown, init: RequestInit = {}): Promise<Response> => (
      inits.push(init), Response.json({ revoked: true })
    )
    await logout(options({ fetch }))
    const { keepalive, redirect, cache, method } = inits[0] ?? {}
    assert.deepEqual(
      { keepalive, redirect, cache, method },
      { keepalive: true, redirect: 'error', cache: 'no-store', method: 'POST' },
    )
  })
})

describe('clears the device even if the revocation is not confirmed', () => {
  const cases: [string, (t: TestContext) => Partial<LogoutOptions> | void, string][] = [
    ['401', () => void (server.listener = answering(json({ error: 'invalid token' }, 401))), 'refused'],
    ['500', () => void (server.listener = answering(json({ error: 'server_error' }, 500))), 'server_error'],
    ['400', () => void (server.listener = answering(json({ error: 'invalid_request' }, 400))), 'unexpected_answer'],
    ['an HTML page', () => void (server.listener = answering(html())), 'unexpected_answer'],
    [
      'an HTML page from an RFC 7009 endpoint',
      () => ((server.listener = answering(html())), { clientId: 'demo' }),
      'unexpected_answer',
    ],
    ['another JSON', () => void (server.listener = answering(json({ revoked: 'true' }))), 'unexpected_answer'],
    ['silence', () => ((server.listener = silent()), { timeoutMs: 60 }), 'timed_out'],
    ['a redirect to another origin', () => void (server.listener = redirect(`${elsewhere.url}/steal`)), 'unreachable'],
    ['no server', () => ({ revokeUrl: 'http://127.0.0.1:9/revoke' }), 'unreachable'],
    [
      'no network',
      (t) => (replace(t, 'navigator', { onLine: false }), { revokeUrl: 'http://127.0.0.1:9/revoke' }),
      'offline',
    ],
    ['plain http to another machine', () => ({ revokeUrl: 'http://origin.example/revoke' }), 'insecure_url'],
  ]
  for (const [what, arrange, code] of cases) {
    test(`${what}: ${code}`, async (t) => {
      const page = TestPage.install(t)
      page.local.items.set('token', 'access')
      let memory = 'access'
      const more = arrange(t) ?? {}
      const outcome = await logout(
        options({ ...more, clear: { localStorage: ['token'], memory: () => void (memory = '') } }),
      )
      assert.deepEqual(outcome, { revoked: false, code, uncleared: [], redirect: 'none' })
      assert.equal(page.local.items.has('token'), false)
      assert.equal(memory, '')
      assert.equal(elsewhere.hits.length, 0, 'the token went to another origin')
    })
  }

  test('nothing to revoke', async (t) => {
    TestPage.install(t)
    const { accessToken: _, ...rest } = options()
    assert.deepEqual(await logout(rest), { revoked: false, code: 'nothing_to_revoke', uncleared: [], redirect: 'none' })
  })
})

describe('clearing', () => {
  test('storage and caches; names the parts that cannot be cleared', async (t) => {
    const page = TestPage.install(t)
    page.local.items.set('token', 'a').set('theme', 'dark')
    page.session.items.set('draft', 'b')
    page.session.state = 'denied'
    const clear = {
      localStorage: ['token'],
      sessionStorage: ['draft'],
      caches: ['pages'],
      indexedDB: ['app', { database: 'app', store: 'mail' }],
      memory: () => Promise.reject(new Error('stuck')),
    }
    const { uncleared } = await logout(options({ clear }))
    // Node has no IndexedDB, and a page may lack it too.
    assert.deepEqual(uncleared.sort(), ['indexedDB:app', 'indexedDB:app/mail', 'memory', 'sessionStorage:draft'])
    assert.deepEqual([page.local.items.has('token'), page.local.items.get('theme')], [false, 'dark'])
    assert.deepEqual(page.deletedCaches, ['pages'])
  })

  test('a page without any storage logs out', async (t) => {
    const page = TestPage.install(t)
    page.local.state = 'denied'
    assert.equal((await logout(options())).revoked, true)
    page.local.state = 'full'
    assert.equal((await logout(options())).revoked, true)
  })

  test('a page with denied channels that is not allowed to navigate logs out', async (t) => {
    const page = TestPage.install(t)
    const denied = (): never => {
      throw new DOMException('no', 'SecurityError')
    }
    replace(t, 'BroadcastChannel', denied)
    replace(t, 'location', { href: 'https://app.example/', origin: 'https://app.example', assign: denied })
    page.local.items.set('token', 'access')
    // A promise of another library.
    const memory = (): Promise<void> =>
      ({ then: (_: unknown, failed: () => void) => failed() }) as unknown as Promise<void>
    const outcome = await logout(options({ redirectTo: '/bye', clear: { localStorage: ['token'], memory } }))
    assert.deepEqual(outcome, { revoked: true, uncleared: ['memory'], redirect: 'refused' })
    assert.equal(page.local.items.has('token'), false)
  })

  test('at once if the page is unloaded while the response is awaited', async (t) => {
    const page = TestPage.install(t)
    const arrived = new Promise<void>((resolve) => (server.listener = () => resolve()))
    let memory = 'access'
    const logging = logout(
      options({ timeoutMs: 20_000, redirectTo: '/bye', clear: { memory: () => void (memory = '') } }),
    )
    page.dispatch('pagehide', { persisted: true })
    assert.equal(memory, '')
    assert.deepEqual(await logging, { revoked: false, code: 'timed_out', uncleared: [], redirect: 'none' })
    assert.deepEqual(page.went, [])
    await arrived
  })
})

describe('once', () => {
  test('two concurrent calls share one logout, and the parts named by either are cleared', async (t) => {
    const page = TestPage.install(t)
    const cleared: string[] = []
    const both = await Promise.all([
      logout(options({ redirectTo: '/bye', clear: { memory: () => void cleared.push('first') } })),
      logout(options({ redirectTo: '/bye', clear: { memory: () => void cleared.push('second') } })),
    ])
    assert.deepEqual(both[0], { revoked: true, uncleared: [], redirect: 'done' })
    assert.deepEqual(both[1], both[0])
    assert.deepEqual([received.length, cleared, page.went], [1, ['first', 'second'], ['https://app.example/bye']])
  })

  test('again afterwards is harmless', async (t) => {
    TestPage.install(t)
    await logout(options())
    assert.equal((await logout(options())).revoked, true)
  })
})

describe('other tabs', () => {
  test('are notified once, by BroadcastChannel', async (t) => {
    TestPage.install(t)
    const heard: string[] = []
    const told = new Promise<void>((resolve) => t.after(onLogout((reason) => (heard.push(reason), resolve()))))
    t.after(onLogout(() => heard.push('another channel'), { channel: 'other' }))
    await logout(options())
    await told
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(heard, ['logout'])
  })

  test('are notified by the storage event where BroadcastChannel is missing', async (t) => {
    replace(t, 'BroadcastChannel', undefined)
    const page = TestPage.install(t)
    const heard: string[] = []
    t.after(onLogout((reason) => heard.push(reason)))
    await logout(options())
    const [[key, newValue] = []] = page.local.items
    page.dispatch('storage', { key, newValue })
    page.dispatch('storage', { key, newValue })
    const later = JSON.stringify({ ...JSON.parse(newValue ?? ''), version: 9e13 })
    page.dispatch('storage', { key: 'other', newValue: later })
    page.dispatch('storage', { key: 'other:out:{}', newValue: later })
    page.dispatch('storage', { key, newValue: JSON.stringify({ state: 'out', app: [], version: 9e13, login: 0 }) })
    page.dispatch('storage', { key, newValue: 'nonsense' })
    assert.deepEqual(heard, ['logout'])
  })

  test('a page from the back-forward cache is notified of an earlier logout', async (t) => {
    const page = TestPage.install(t)
    replace(t, 'BroadcastChannel', undefined)
    const heard: string[] = []
    t.after(onLogout((reason) => heard.push(reason)))
    page.dispatch('pageshow', { persisted: true })
    assert.deepEqual(heard, [])
    await logout(options())
    page.dispatch('pageshow', { persisted: false })
    assert.deepEqual(heard, [])
    page.dispatch('pageshow', { persisted: true })
    assert.deepEqual(heard, ['logout'])
  })
})

describe('where the browser goes', () => {
  for (const target of [
    '//evil.example',
    '/\\evil.example',
    'https://app.example.evil.example/',
    'https://app.example@evil.example/',
    'javascript:alert(1)',
    'http://app.example/',
    'data:text/html,x',
    'https://other.example/bye?more',
    '\\\\evil.example',
    'blob:https://app.example/x',
  ]) {
    test(`refuses ${target}`, async (t) => {
      const page = TestPage.install(t)
      const allowedRedirects = ['https://other.example/bye']
      assert.equal((await logout(options({ redirectTo: target, allowedRedirects }))).redirect, 'refused')
      const endSession = { url: 'https://idp.example/logout', postLogoutRedirectUri: target }
      assert.equal((await logout(options({ endSession, allowedRedirects }))).redirect, 'refused')
      assert.deepEqual(page.went, [])
    })
  }

  test('to this origin, or exactly to an allowed URL', async (t) => {
    const page = TestPage.install(t)
    const allowedRedirects = ['https://other.example/bye']
    for (const redirectTo of ['/bye', 'bye', 'https://app.example/', 'https://other.example/bye']) {
      assert.equal((await logout(options({ redirectTo, allowedRedirects }))).redirect, 'done')
    }
    assert.deepEqual(page.went, [
      'https://app.example/bye',
      'https://app.example/bye',
      'https://app.example/',
      'https://other.example/bye',
    ])
  })

  test("to the identity server's logout page", async (t) => {
    const page = TestPage.install(t)
    const endSession = {
      url: 'https://idp.example/logout?ui=de',
      idToken: 'id.t',
      clientId: 'demo',
      postLogoutRedirectUri: '/bye',
      state: 's&1',
    }
    assert.equal((await logout(options({ endSession }))).redirect, 'done')
    const [went = ''] = page.went
    assert.deepEqual(Object.fromEntries(new URL(went).searchParams), {
      ui: 'de',
      id_token_hint: 'id.t',
      client_id: 'demo',
      post_logout_redirect_uri: 'https://app.example/bye',
      state: 's&1',
    })
    const plain = { endSession: { ...endSession, url: 'http://idp.example/logout' } }
    assert.equal((await logout(options(plain))).redirect, 'refused')
    assert.equal(page.went.length, 1)
  })
})

describe('mistakes', () => {
  const wrong: [string, object, RegExp][] = [
    ['revokeUrl is missing', { revokeUrl: undefined }, /revokeUrl is missing/],
    ['a URL with a password', { revokeUrl: 'https://a:b@c.example/' }, /revokeUrl must be/],
    ['an unknown option', { tokn: 's3cret' }, /unknown option 'tokn'/],
    ['a refresh token for the JSON endpoint', { refreshToken: 's3cret' }, /clientId is missing: refreshToken needs/],
    ['a store without a database', { clear: { indexedDB: [{ store: 'a' }] } }, /indexedDB\[0\] must be/],
    ['an empty token', { accessToken: '' }, /accessToken must be/],
  ]
  for (const [what, more, message] of wrong) {
    test(`${what} throws before anything is sent`, async (t) => {
      const page = TestPage.install(t)
      await assert.rejects(logout({ ...options(), ...more } as LogoutOptions), (error: Error & { code?: string }) => {
        assert.match(error.message, message)
        assert.doesNotMatch(error.message, /s3cret/)
        return error.code === 'invalid_option'
      })
      assert.deepEqual([received.length, page.local.items.size], [0, 0])
    })
  }
})

describe('a compromise', () => {
  test('logs out everywhere with the token, revokes it, notifies, then clears', async (t) => {
    const page = TestPage.install(t)
    const heard = new Promise<string>((resolve) => t.after(onLogout(resolve)))
    page.local.items.set('token', 'access')
    const messages: unknown[] = []
    const outcome = await reportCompromise({
      ...options(),
      logoutEverywhereUrl: `${server.url}/everywhere`,
      notify: (message) => void messages.push({ ...message, cleared: !page.local.items.has('token') }),
      clear: { localStorage: ['token'] },
    })
    assert.deepEqual(outcome, {
      revoked: true,
      uncleared: [],
      redirect: 'none',
      loggedOutEverywhere: 'done',
      notified: 'done',
    })
    assert.deepEqual(
      received.map(({ url, authorization }) => [url, authorization]),
      [
        ['/everywhere', 'Bearer access'],
        ['/v1/auth/token/revoke', undefined],
      ],
    )
    const [{ time, ...message }] = messages as [{ time: string }]
    assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000)
    assert.deepEqual(message, { revoked: true, loggedOutEverywhere: 'done', cleared: false })
    assert.equal(page.local.items.has('token'), false)
    assert.equal(await heard, 'compromised')
  })

  test('reports every failure, and none stops the next step', async (t) => {
    const page = TestPage.install(t)
    page.local.items.set('token', 'access')
    server.listener = answering(json({}, 500))
    const outcome = await reportCompromise({
      ...options({ clear: { localStorage: ['token'] } }),
      logoutEverywhereUrl: `${server.url}/everywhere`,
      notify: () => Promise.reject(new Error('no')),
    })
    assert.deepEqual(outcome, {
      revoked: false,
      code: 'server_error',
      uncleared: [],
      redirect: 'none',
      loggedOutEverywhere: 'failed',
      notified: 'failed',
    })
    assert.equal(page.local.items.has('token'), false)
  })

  test('accepts the longest timeout that timers allow', async (t) => {
    TestPage.install(t)
    const outcome = await reportCompromise(options({ timeoutMs: 2_147_483_647 }))
    assert.equal(outcome.revoked, true)
  })

  test('is reported even during a logout', async (t) => {
    TestPage.install(t)
    const reported = { ...options(), logoutEverywhereUrl: `${server.url}/everywhere`, notify: () => undefined }
    const [, outcome] = await Promise.all([logout(options()), reportCompromise(reported)])
    assert.deepEqual([outcome.loggedOutEverywhere, outcome.notified], ['done', 'done'])
  })

  test('a fetch that throws synchronously stops no step', async (t) => {
    TestPage.install(t)
    const requested: string[] = []
    const fetch = (url: URL | RequestInfo): never => {
      requested.push(new URL(String(url)).pathname)
      throw new TypeError('no')
    }
    const outcome = await reportCompromise({
      ...options({ fetch }),
      logoutEverywhereUrl: `${server.url}/everywhere`,
      notify: () => undefined,
    })
    assert.deepEqual(requested, ['/everywhere', '/v1/auth/token/revoke'])
    assert.deepEqual([outcome.revoked, outcome.loggedOutEverywhere, outcome.notified], [false, 'failed', 'done'])
  })

  test('the token is not sent by plain http', async (t) => {
    TestPage.install(t)
    const outcome = await reportCompromise({ ...options(), logoutEverywhereUrl: 'http://origin.example/everywhere' })
    assert.deepEqual([outcome.revoked, outcome.loggedOutEverywhere, outcome.notified], [true, 'failed', 'not_asked'])
  })
})
