// Requests and refreshes of a session in one tab: when it requests new tokens, how often, and where the token is sent.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { json, page as html, redirect, TestServer } from '../test-fixtures/server.ts'
import { EXPIRED, GOOD, Issuer } from './testing/issuer.ts'
import { TestPage } from './testing/page.ts'

let elsewhere: TestServer
before(async () => {
  elsewhere = await TestServer.start((request, response) =>
    json({ authorization: request.headers.authorization ?? null })(request, response),
  )
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

  test('twenty requests rejected at once: one refresh, and each is retried once with its body', async (t) => {
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
    assert.deepEqual(
      answers,
      Array.from({ length: 20 }, (_, index) => `body ${index}`),
    )
    assert.equal(issuer.refreshes, 1)
  })

  test('a 401 that may concern the token is retried once', async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const challenged = (challenge: string, status = 401): Response =>
      new Response(null, { status, headers: { 'www-authenticate': challenge } })
    const answers: [Response, number][] = [
      [challenged('Bearer error="insufficient_scope"'), 1],
      [challenged('Bearer realm="api", error="invalid_request"'), 1],
      [challenged('Basic realm="api"'), 1],
      [challenged('DPoP error="use_dpop_nonce"'), 1],
      [challenged('Bearer error="invalid_token"', 403), 1],
      [new Response(null, { status: 403 }), 1],
      [challenged('Bearer realm="api", error="invalid_token"'), 2],
      [challenged('Bearer'), 2],
      [challenged('bearer realm="api"'), 2],
      // The challenge is hidden by CORS, or not sent at all.
      [Object.defineProperty(new Response(null, { status: 401 }), 'type', { value: 'cors' }), 2],
      [Object.defineProperty(new Response(null, { status: 401 }), 'type', { value: 'basic' }), 2],
    ]
    for (const [answer, times] of answers) {
      let asked = 0
      const answering = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
        if (!(input instanceof Request)) return fetch(input, init)
        asked += 1
        return answer
      }
      const session = issuer.open(t, { fetch: answering })
      const { current, refreshes } = issuer
      await session.signIn({ accessToken: `a${current}`, refreshToken: `r${current}`, expiresInSeconds: 300 })
      await session.fetch(`${issuer.server.url}/api`)
      assert.deepEqual(
        [asked, issuer.refreshes - refreshes],
        [times, times - 1],
        answer.headers.get('www-authenticate') ?? answer.type,
      )
      session.close()
    }
  })

  test('a streamed body is not sent twice', async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const session = issuer.open(t)
    await session.signIn({ ...GOOD, accessToken: 'revoked' })
    const body = new Blob(['x']).stream()
    const response = await session.fetch(`${issuer.server.url}/api`, {
      method: 'POST',
      body,
      duplex: 'half',
    } as RequestInit)
    assert.deepEqual([response.status, issuer.refreshes, issuer.server.count('/api')], [401, 1, 1])
    assert.equal((await session.fetch(`${issuer.server.url}/api`)).status, 200)
  })

  test('the token is sent to the allowed origins only, and never along a redirect', async (t) => {
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

  test('a clock set back does not keep a token alive; one set forward only costs a refresh', async (t) => {
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

  test('400 invalid_grant and 401 sign out and clear the device', async (t) => {
    for (const refusal of [json({ error: 'invalid_grant' }, 400), json({}, 401)]) {
      const page = TestPage.install(t)
      page.local.items.set('draft', 'x')
      const issuer = await Issuer.start(t)
      issuer.instead = refusal
      const session = issuer.open(t, { clear: { localStorage: ['draft'] }, channel: `refused ${issuer.server.url}` })
      await session.signIn(EXPIRED)
      assert.equal(await session.accessToken(), undefined)
      assert.deepEqual(
        [session.signedIn, session.events.at(-1), page.local.items.has('draft')],
        [false, 'signed-out: refused', false],
      )
    }
  })

  test('a failure does not sign out, and is not retried at once', async (t) => {
    const failures: [string, TestServer['listener']][] = [
      ['500', json({}, 500)],
      ['503', json({}, 503)],
      ['an HTML page', html()],
      ['a redirect', redirect(`${elsewhere.url}/steal`)],
      ['another 400', json({ error: 'invalid_request' }, 400)],
      ['no token', json({ access_token: 7 })],
      ['JSON null', json(null)],
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

  test('an expired token without a refresh token signs out', async (t) => {
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
})
