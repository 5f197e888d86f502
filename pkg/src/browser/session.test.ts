import assert from 'node:assert/strict'
import { after, before, describe, test, type TestContext } from 'node:test'
import { json, page as html, redirect, silent, TestServer } from '../testing/server.ts'
import { createSession, type Session, type SessionOptions, type StoredTokens, type TokenStorage } from './index.ts'
import { replace, TestPage } from './testing/page.ts'

/** An issuer with one-time refresh tokens, and an API that knows which access tokens are good. */
class Issuer {
  readonly server: TestServer
  refreshes = 0
  expiresIn = 300
  /** Numbers of the tokens that are good. */
  current = 0
  reused = false
  revoked: string[] = []
  /** What the token endpoint does instead. */
  instead: TestServer['listener'] | undefined

  private constructor(server: TestServer) {
    this.server = server
    server.listener = (request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        const form = new URLSearchParams(body)
        switch (new URL(request.url ?? '/', 'http://x').pathname) {
          case '/token':
            this.refreshes += 1
            if (this.instead !== undefined) return this.instead(request, response)
            if (form.get('refresh_token') !== `r${this.current}`) {
              this.reused = true
              return json({ error: 'invalid_grant' }, 400)(request, response)
            }
            this.current += 1
            return json(this.answer())(request, response)
          case '/revoke':
            this.revoked.push(form.get('token') ?? '')
            return response.writeHead(200).end()
          default:
            if (request.headers.authorization === `Bearer a${this.current}`) return json({ body })(request, response)
            return response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end()
        }
      })
    }
  }

  static async start(t: TestContext): Promise<Issuer> {
    const server = await TestServer.start(() => undefined)
    t.after(() => server.close())
    return new Issuer(server)
  }

  /** The next refresh waits for the answer that is given by hand. */
  hold(): [asked: Promise<void>, answer: (body: object) => void] {
    let answer: (body: object) => void = () => undefined
    const asked = new Promise<void>((resolve) => {
      this.instead = (request, response) => {
        answer = (body) => json(body)(request, response)
        resolve()
      }
    })
    return [asked, (body) => answer(body)]
  }

  answer(): object {
    return { access_token: `a${this.current}`, refresh_token: `r${this.current}`, token_type: 'Bearer', expires_in: this.expiresIn }
  }

  open(t: TestContext, more: Partial<SessionOptions> = {}): Session & { events: string[] } {
    const { url } = this.server
    const session = createSession({ tokenUrl: `${url}/token`, revokeUrl: `${url}/revoke`, clientId: 'demo', allowedOrigins: [url], ...more })
    t.after(() => session.close())
    const events: string[] = []
    session.on('signed-in', () => events.push('signed-in'))
    session.on('refreshed', () => events.push('refreshed'))
    session.on('signed-out', (reason) => events.push(`signed-out: ${reason}`))
    return Object.assign(session, { events })
  }
}

const GOOD = { accessToken: 'a0', refreshToken: 'r0', expiresInSeconds: 300 }
const EXPIRED = { ...GOOD, expiresInSeconds: 0 }

function event(session: Session, name: 'signed-in' | 'refreshed' | 'signed-out'): Promise<void> {
  return new Promise((resolve) => {
    const off = session.on(name, () => (off(), resolve()))
  })
}

let elsewhere: TestServer
before(async () => {
  elsewhere = await TestServer.start((request, response) => json({ authorization: request.headers.authorization ?? null })(request, response))
})
after(() => elsewhere.close())

describe('one tab', () => {
  test('twenty requests with an expired token: one refresh', async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const session = issuer.open(t)
    await session.signIn(EXPIRED)
    const answers = await Promise.all(Array.from({ length: 20 }, () => session.fetch(`${issuer.server.url}/api`)))
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200])
    assert.deepEqual([issuer.refreshes, issuer.reused, session.events], [1, false, ['signed-in', 'refreshed']])
  })

  test('twenty refused at once: one refresh, and each is sent once more with its body', async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const session = issuer.open(t)
    await session.signIn({ ...GOOD, accessToken: 'revoked' })
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const response = await session.fetch(`${issuer.server.url}/api`, { method: 'POST', body: `body ${index}` })
        return ((await response.json()) as { body: string }).body
      }),
    )
    assert.deepEqual(answers, Array.from({ length: 20 }, (_, index) => `body ${index}`))
    assert.equal(issuer.refreshes, 1)
  })

  test('only a 401 that says invalid_token, or whose challenge CORS hides, is asked again', async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const answers: [Response, number][] = [
      [new Response(null, { status: 401, headers: { 'www-authenticate': 'Bearer error="insufficient_scope"' } }), 1],
      [Object.defineProperty(new Response(null, { status: 401 }), 'type', { value: 'basic' }), 1],
      [new Response(null, { status: 403, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } }), 1],
      [Object.defineProperty(new Response(null, { status: 401 }), 'type', { value: 'cors' }), 2],
    ]
    for (const [answer, times] of answers) {
      let asked = 0
      const answering = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
        if (!(input instanceof Request)) return fetch(input, init)
        asked += 1
        return answer
      }
      const session = issuer.open(t, { fetch: answering })
      await session.signIn(GOOD)
      await session.fetch(`${issuer.server.url}/api`)
      assert.equal(asked, times)
      session.close()
    }
    assert.equal(issuer.refreshes, 1)
  })

  test('a body that flows is not sent twice', async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const session = issuer.open(t)
    await session.signIn({ ...GOOD, accessToken: 'revoked' })
    const body = new Blob(['x']).stream()
    const response = await session.fetch(`${issuer.server.url}/api`, { method: 'POST', body, duplex: 'half' } as RequestInit)
    assert.deepEqual([response.status, issuer.refreshes, issuer.server.count('/api')], [401, 1, 1])
    assert.equal((await session.fetch(`${issuer.server.url}/api`)).status, 200)
  })

  test('the token goes to the allowed origins only, and never along a redirect', async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const session = issuer.open(t)
    await session.signIn(GOOD)
    const response = await session.fetch(`${elsewhere.url}/api`)
    assert.deepEqual(await response.json(), { authorization: null })
    issuer.server.listener = redirect(`${elsewhere.url}/steal`)
    await assert.rejects(session.fetch(`${issuer.server.url}/api`), TypeError)
    assert.equal(elsewhere.count('steal'), 0)
  })

  test('a short-lived token is not refreshed at every use', async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const session = issuer.open(t)
    await session.signIn({ ...GOOD, expiresInSeconds: 20 })
    for (let use = 0; use < 5; use += 1) assert.equal(await session.accessToken(), 'a0')
    assert.equal(issuer.refreshes, 0)
  })

  test('a clock that was put back does not keep a token alive; one put forward only costs a refresh', async (t) => {
    TestPage.install(t)
    t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 })
    const issuer = await Issuer.start(t)
    const session = issuer.open(t)
    await session.signIn(EXPIRED)
    t.mock.timers.setTime(1_700_000_000_000)
    assert.equal(await session.accessToken(), 'a1')
    t.mock.timers.setTime(1_900_000_000_000)
    assert.equal(await session.accessToken(), 'a2')
    assert.equal(issuer.reused, false)
  })

  test('400 invalid_grant and 401 sign out; the device is cleared', async (t) => {
    for (const refusal of [json({ error: 'invalid_grant' }, 400), json({}, 401)]) {
      const page = TestPage.install(t)
      page.local.items.set('draft', 'x')
      const issuer = await Issuer.start(t)
      issuer.instead = refusal
      const session = issuer.open(t, { clear: { localStorage: ['draft'] }, channel: `refused ${issuer.server.url}` })
      await session.signIn(EXPIRED)
      assert.equal(await session.accessToken(), undefined)
      assert.deepEqual([session.signedIn, session.events.at(-1), page.local.items.has('draft')], [false, 'signed-out: refused', false])
    }
  })

  test('a failure does not, and is not repeated at once', async (t) => {
    const failures: [string, TestServer['listener']][] = [
      ['500', json({}, 500)], ['503', json({}, 503)], ['a page', html()], ['a redirect', redirect(`${elsewhere.url}/steal`)],
      ['another 400', json({ error: 'invalid_client' }, 400)], ['no token', json({ access_token: 7 })], ['JSON null', json(null)],
    ]
    for (const [what, failure] of failures) {
      TestPage.install(t)
      const issuer = await Issuer.start(t)
      issuer.instead = failure
      const session = issuer.open(t, { channel: what })
      await session.signIn(EXPIRED)
      assert.equal(await session.accessToken(), undefined, what)
      assert.equal(await session.accessToken(), undefined, what)
      assert.deepEqual([session.signedIn, issuer.refreshes], [true, 1], what)
      issuer.instead = undefined
      assert.equal(await session.refresh(), 'refreshed', what)
      assert.equal(await session.accessToken(), 'a1', what)
    }
  })

  test('without a refresh token an expired one signs out', async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const session = issuer.open(t)
    await session.signIn({ accessToken: 'a0', expiresInSeconds: 0 })
    assert.equal(await session.accessToken(), undefined)
    assert.deepEqual(session.events, ['signed-in', 'signed-out: expired'])
    await session.signIn({ accessToken: 'a0', expiresInSeconds: 300 })
    assert.equal(await session.refresh(), 'unavailable')
    assert.equal(session.signedIn, true)
  })

  test('logout revokes both tokens, once though called twice', async (t) => {
    const page = TestPage.install(t)
    const issuer = await Issuer.start(t)
    const session = issuer.open(t)
    await session.signIn(GOOD)
    const both = await Promise.all([session.logout({ redirectTo: '/bye' }), session.logout({ redirectTo: '/bye' })])
    assert.deepEqual(both, Array.from({ length: 2 }, () => ({ revoked: true, uncleared: [], redirect: 'done' })))
    assert.deepEqual([issuer.revoked.sort(), page.went], [['a0', 'r0'], ['https://app.example/bye']])
    assert.deepEqual([await session.accessToken(), session.events], [undefined, ['signed-in', 'signed-out: logout']])
    assert.deepEqual(await session.logout(), { revoked: false, code: 'nothing_to_revoke', uncleared: [], redirect: 'none' })
    await session.signIn(GOOD)
    assert.equal(await session.accessToken(), 'a0')
  })

  test('what either of two logouts names is cleared', async (t) => {
    const page = TestPage.install(t)
    const issuer = await Issuer.start(t)
    const session = issuer.open(t)
    await session.signIn(GOOD)
    page.local.items.set('draft', 'a').set('outbox', 'b')
    await Promise.all(['draft', 'outbox'].map((key) => session.logout({ clear: { localStorage: [key] } })))
    assert.deepEqual([page.local.items.has('draft'), page.local.items.has('outbox')], [false, false])
  })

  test('tokens that arrive after the logout are revoked too', { timeout: 10_000 }, async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const [asked, answer] = issuer.hold()
    const session = issuer.open(t)
    await session.signIn(EXPIRED)
    const refreshing = session.refresh()
    await asked
    await session.logout()
    answer({ access_token: 'late', refresh_token: 'later' })
    assert.equal(await refreshing, 'signed_out')
    assert.equal(session.signedIn, false)
    while (issuer.revoked.length < 4) await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(issuer.revoked.sort(), ['a0', 'late', 'later', 'r0'])
  })

  test('a tab that closes while it refreshes hands the new tokens on, and revokes nothing', { timeout: 10_000 }, async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const [closing, other] = [issuer.open(t, { channel: 'closing' }), issuer.open(t, { channel: 'closing' })]
    const heard = event(other, 'signed-in')
    await closing.signIn(EXPIRED)
    await heard
    const refreshed = event(other, 'refreshed')
    const [asked, answer] = issuer.hold()
    const refreshing = closing.refresh()
    await asked
    closing.close()
    answer({ access_token: 'a1', refresh_token: 'r1', expires_in: 300 })
    await refreshing
    await refreshed
    assert.deepEqual([await other.accessToken(), closing.signedIn, issuer.revoked], ['a1', false, []])
  })

  test('a session with a cookie that is closed at once asks for nothing', { timeout: 10_000 }, async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    issuer.instead = json({ access_token: 'a0' })
    issuer.open(t, { channel: 'twice', cookies: 'include' }).close()
    assert.equal(await issuer.open(t, { channel: 'twice', cookies: 'include' }).accessToken(), 'a0')
    assert.deepEqual([issuer.refreshes, issuer.revoked], [1, []])
  })

  test('a logout that is written down ends a refresh, though the message is still on the way', { timeout: 10_000 }, async (t) => {
    const page = TestPage.install(t)
    const issuer = await Issuer.start(t)
    const session = issuer.open(t)
    await session.signIn(EXPIRED)
    const [asked, answer] = issuer.hold()
    const refreshing = session.refresh()
    await asked
    page.local.items.set('portcullis:session', `out ${Date.now() + 1_000} 0`)
    answer({ access_token: 'late', refresh_token: 'later' })
    assert.equal(await refreshing, 'signed_out')
    assert.deepEqual(session.events, ['signed-in', 'signed-out: other_tab'])
    while (issuer.revoked.length < 2) await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(issuer.revoked.sort(), ['late', 'later'])
  })

  test('a logout ends the login, also where its tokens are newer', { timeout: 10_000 }, async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const channel = 'newer'
    const session = issuer.open(t, { channel })
    const stranger = new BroadcastChannel(channel)
    t.after(() => stranger.close())
    await session.signIn(GOOD)
    const login = Date.now() + 1_000
    const tokens = { accessToken: 'a0', refreshToken: 'r0', login, version: login + 20 }
    const [signedIn, signedOut] = [event(session, 'signed-in'), event(session, 'signed-out')]
    stranger.postMessage({ kind: 'tokens', tokens })
    await signedIn
    stranger.postMessage({ kind: 'signed-out', reason: 'logout', version: login - 10 })
    stranger.postMessage({ kind: 'signed-out', reason: 'logout', version: login + 10 })
    await signedOut
    assert.deepEqual(session.events, ['signed-in', 'signed-in', 'signed-out: other_tab'])
    stranger.postMessage({ kind: 'tokens', tokens: { ...tokens, version: login + 30 } })
    while (issuer.revoked.length < 2) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(await session.accessToken(), undefined)
    assert.deepEqual(issuer.revoked.sort(), ['a0', 'r0'])
  })

  test('a logout where the endpoint is silent still ends here', async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const session = issuer.open(t)
    await session.signIn(GOOD)
    issuer.server.listener = silent()
    assert.deepEqual(await session.logout({ timeoutMs: 50 }), { revoked: false, code: 'timed_out', uncleared: [], redirect: 'none' })
    assert.equal(session.signedIn, false)
  })
})

/** A store that all tabs share. */
function storage(): TokenStorage & { held: StoredTokens | undefined } {
  return {
    held: undefined,
    load() { return this.held },
    save(tokens) { this.held = tokens },
    clear() { this.held = undefined },
  }
}

describe('a storage of the page', () => {
  test('keeps the session over a reload, and is cleared by a logout', async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const store = storage()
    const first = issuer.open(t, { storage: store })
    await first.signIn(GOOD)
    first.close()
    const second = issuer.open(t, { storage: store })
    assert.equal(await second.accessToken(), 'a0')
    await second.logout()
    assert.equal(store.held, undefined)
  })

  test('what a logout could not clear signs nobody in', async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const store = { ...storage(), clear: () => Promise.reject(new Error('stuck')) }
    const first = issuer.open(t, { storage: store })
    await first.signIn(GOOD)
    assert.deepEqual((await first.logout()).uncleared, ['storage'])
    first.close()
    const second = issuer.open(t, { storage: store })
    assert.deepEqual([await second.accessToken(), second.events, store.held?.accessToken], [undefined, [], 'a0'])
  })

  test('one that fails is no reason to fail; what it could not clear is named', async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const broken = (): never => {
      throw new DOMException('no room', 'QuotaExceededError')
    }
    const session = issuer.open(t, { storage: { load: broken, save: broken, clear: broken } })
    await session.signIn(GOOD)
    assert.equal(await session.accessToken(), 'a0')
    assert.deepEqual((await session.logout()).uncleared, ['storage'])
  })

  test('what is no tokens is not taken for some', async (t) => {
    for (const held of [null, 7, 'a0', {}, { accessToken: 1, version: 1, login: 1 }, { accessToken: 'a0' }]) {
      TestPage.install(t)
      const issuer = await Issuer.start(t)
      const session = issuer.open(t, { channel: JSON.stringify(held), storage: { ...storage(), load: () => held as unknown as StoredTokens } })
      assert.equal(await session.accessToken(), undefined)
    }
  })
})

for (const locks of ['web', 'none'] as const) {
  describe(`five tabs, ${locks === 'web' ? 'with Web Locks' : 'with a lease in localStorage'}`, () => {
    test('an expired token is refreshed once', async (t) => {
      TestPage.install(t, { locks })
      const issuer = await Issuer.start(t)
      const channel = `five ${locks}`
      const [first, ...others] = Array.from({ length: 5 }, () => issuer.open(t, { channel }))
      const heard = others.map((tab) => event(tab, 'signed-in'))
      await first?.signIn(EXPIRED)
      await Promise.all(heard)
      const tokens = await Promise.all([first, ...others].flatMap((tab) => Array.from({ length: 20 }, () => tab?.accessToken())))
      assert.deepEqual([...new Set(tokens)], ['a1'])
      assert.deepEqual([issuer.refreshes, issuer.reused], [1, false])
    })

    test('an insecure page refreshes, too', async (t) => {
      TestPage.install(t, { locks })
      const { getRandomValues } = crypto
      replace(t, 'crypto', { getRandomValues: getRandomValues.bind(crypto) })
      const issuer = await Issuer.start(t)
      const session = issuer.open(t, { channel: `insecure ${locks}` })
      await session.signIn(EXPIRED)
      assert.equal(await session.accessToken(), 'a1')
    })

    test('a tab that is opened later has the session; a logout ends it in all', async (t) => {
      TestPage.install(t, { locks })
      const issuer = await Issuer.start(t)
      const channel = `later ${locks}`
      const first = issuer.open(t, { channel })
      await first.signIn(GOOD)
      const second = issuer.open(t, { channel })
      assert.equal(await second.accessToken(), 'a0')
      const out = event(second, 'signed-out')
      await first.logout()
      await out
      assert.deepEqual([second.events, await second.accessToken()], [['signed-in', 'signed-out: other_tab'], undefined])
    })

    test('both log out at once', async (t) => {
      TestPage.install(t, { locks })
      const issuer = await Issuer.start(t)
      const channel = `both ${locks}`
      const first = issuer.open(t, { channel })
      await first.signIn(GOOD)
      const second = issuer.open(t, { channel })
      await second.accessToken()
      const outcomes = await Promise.all([first.logout(), second.logout()])
      assert.ok(outcomes.some(({ revoked }) => revoked))
      assert.deepEqual([first.signedIn, second.signedIn], [false, false])
    })
  })
}

describe('what a tab cannot hear', () => {
  test('from the back-forward cache after a logout: signed out at once', async (t) => {
    const page = TestPage.install(t)
    replace(t, 'BroadcastChannel', undefined)
    const issuer = await Issuer.start(t)
    const frozen = issuer.open(t)
    await frozen.signIn(GOOD)
    page.dispatch('pageshow', { persisted: true })
    assert.equal(frozen.signedIn, true)
    const active = issuer.open(t, { tokens: GOOD })
    await active.logout()
    page.dispatch('pageshow', { persisted: true })
    assert.deepEqual([frozen.signedIn, frozen.events.at(-1)], [false, 'signed-out: other_tab'])
  })

  test('from the back-forward cache after somebody else logged in: signed out at once', async (t) => {
    const page = TestPage.install(t)
    replace(t, 'BroadcastChannel', undefined)
    const issuer = await Issuer.start(t)
    const frozen = issuer.open(t)
    await frozen.signIn(GOOD)
    await issuer.open(t, { tokens: GOOD }).accessToken()
    page.dispatch('pageshow', { persisted: true })
    assert.equal(frozen.signedIn, false)
  })

  test('without storage it cannot know, so it signs out', async (t) => {
    const page = TestPage.install(t)
    const issuer = await Issuer.start(t)
    page.local.state = 'denied'
    const session = issuer.open(t)
    await session.signIn(GOOD)
    assert.equal(await session.accessToken(), 'a0')
    page.dispatch('pageshow', { persisted: true })
    assert.equal(session.signedIn, false)
  })

  test('a refresh token that another tab has spent is not spent again, though that tab is gone', { timeout: 10_000 }, async (t) => {
    TestPage.install(t)
    replace(t, 'BroadcastChannel', undefined)
    const issuer = await Issuer.start(t)
    const store = storage()
    const slept = issuer.open(t, { storage: { ...store, load: () => undefined } })
    await slept.signIn(EXPIRED)
    const other = issuer.open(t, { storage: { ...store, load: () => ({ ...store.held, accessToken: 'a0', refreshToken: 'r0', expiresAtMs: 1, login: 1, version: Date.now() + 1 }) } })
    assert.equal(await other.accessToken(), 'a1')
    other.close()
    assert.equal(await slept.accessToken(), undefined)
    assert.deepEqual([issuer.refreshes, issuer.reused, slept.signedIn], [1, false, false])
  })

  test('tokens that were not heard of are asked for before any is spent, though storage is denied', async (t) => {
    const page = TestPage.install(t, { locks: 'web' })
    page.local.state = 'denied'
    let isDeaf = false
    class Deaf extends BroadcastChannel {
      override set onmessage(listener: (event: MessageEvent) => void) {
        this.addEventListener('message', (event) => {
          if (!isDeaf || (event as MessageEvent<{ kind: string }>).data.kind !== 'tokens') listener(event as MessageEvent)
        })
      }
    }
    replace(t, 'BroadcastChannel', Deaf)
    const issuer = await Issuer.start(t)
    const first = issuer.open(t, { channel: 'deaf' })
    const second = issuer.open(t, { channel: 'deaf' })
    const signedIn = event(second, 'signed-in')
    await first.signIn(EXPIRED)
    await signedIn
    isDeaf = true
    assert.equal(await first.refresh(), 'refreshed')
    isDeaf = false
    assert.equal(await second.accessToken(), 'a1')
    assert.deepEqual([issuer.refreshes, issuer.reused], [1, false])
  })

  test('a silent token endpoint does not hold a logout up', async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    issuer.instead = silent()
    const session = issuer.open(t, { channel: 'silent', cookies: 'include' })
    assert.equal((await session.logout()).revoked, true)
    assert.deepEqual(issuer.revoked, [''])
  })

  test('garbage on the channel changes nothing', async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const session = issuer.open(t, { channel: 'garbage' })
    await session.signIn(GOOD)
    const stranger = new BroadcastChannel('garbage')
    t.after(() => stranger.close())
    const answered = new Promise((resolve) => (stranger.onmessage = resolve))
    const unending = { kind: 'tokens', tokens: { accessToken: 'evil', expiresAtMs: Number.NaN, version: 9e13, login: 9e13 } }
    const messages = [unending, { kind: 'signed-out', reason: 'logout', version: 9e15 }, null, 7, {}, { kind: 'signed-out' }, { kind: 'signed-out', reason: 'x', version: 1 }, { kind: 'tokens', tokens: { accessToken: 'evil' } }]
    for (const message of messages) stranger.postMessage(message)
    stranger.postMessage({ kind: 'asks', version: Number.MAX_SAFE_INTEGER })
    await answered
    assert.equal(await session.accessToken(), 'a0')
  })
})

test('the page need not be one', async (t) => {
  // No storage, no events, no locks: a server that renders.
  const issuer = await Issuer.start(t)
  const session = issuer.open(t, { tokens: EXPIRED, channel: 'server' })
  assert.equal((await session.fetch(`${issuer.server.url}/api`)).status, 200)
  assert.equal((await session.logout()).revoked, true)
})

test('mistakes in options', () => {
  const good = { tokenUrl: 'https://idp.example/token', clientId: 'demo', allowedOrigins: ['https://api.example'] }
  const wrong: [object, RegExp][] = [
    [{ tokenUrl: 'http://idp.example/token' }, /tokenUrl must be https/],
    [{ allowedOrigins: ['http://api.example'] }, /allowedOrigins\[0\] must be https/],
    [{ allowedOrigins: ['https://api.example/v1'] }, /allowedOrigins.* must be/],
    [{ allowedOrigins: undefined }, /allowedOrigins is missing/],
    [{ cookies: true }, /cookies must be/],
    [{ refreshBeforeSecond: 1 }, /did you mean 'refreshBeforeSeconds'/],
    [{ tokens: { accessToken: 's3cret', expires_in: 1 } }, /tokens has an unknown option/],
  ]
  for (const [more, message] of wrong) {
    assert.throws(() => createSession({ ...good, ...more } as SessionOptions), (error: Error) => {
      assert.doesNotMatch(error.message, /s3cret/)
      return message.test(error.message)
    })
  }
})

test('a closed session says so', async (t) => {
  const issuer = await Issuer.start(t)
  const session = issuer.open(t, { tokens: GOOD, channel: 'closed' })
  session.close()
  await assert.rejects(session.accessToken(), { code: 'closed' })
  await assert.rejects(session.signIn(GOOD), { code: 'closed' })
})
