// The end of a session and what it leaves behind: logouts in one tab, the page's storage, options. Refreshes are in
// `refresh.test.ts`, several tabs in `tabs.test.ts`.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { json, silent } from '../test-fixtures/server.ts'
import { createSession, type SessionOptions, type StoredTokens } from './index.ts'
import { event, EXPIRED, GOOD, Issuer } from './testing/issuer.ts'
import { TestPage } from './testing/page.ts'
import { storage } from './testing/storage.ts'

describe('one tab', () => {
  test('logout revokes both tokens once, even if called twice', async (t) => {
    const page = TestPage.install(t)
    const issuer = await Issuer.start(t)
    const session = issuer.open(t)
    await session.signIn(GOOD)
    const both = await Promise.all([session.logout({ redirectTo: '/bye' }), session.logout({ redirectTo: '/bye' })])
    assert.deepEqual(
      both,
      Array.from({ length: 2 }, () => ({ revoked: true, uncleared: [], redirect: 'done' })),
    )
    assert.deepEqual([issuer.revoked.sort(), page.went], [['a0', 'r0'], ['https://app.example/bye']])
    assert.deepEqual([await session.accessToken(), session.events], [undefined, ['signed-in', 'signed-out: logout']])
    assert.deepEqual(await session.logout(), {
      revoked: false,
      code: 'nothing_to_revoke',
      uncleared: [],
      redirect: 'none',
    })
    await session.signIn(GOOD)
    assert.equal(await session.accessToken(), 'a0')
  })

  test('clears the parts named by either of two logouts', async (t) => {
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

  test('a tab that closes during a refresh passes the new tokens on and revokes nothing', {
    timeout: 10_000,
  }, async (t) => {
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

  test('a cookie session that is closed at once sends no request', { timeout: 10_000 }, async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    issuer.instead = json({ access_token: 'a0' })
    issuer.open(t, { channel: 'twice', cookies: 'include' }).close()
    assert.equal(await issuer.open(t, { channel: 'twice', cookies: 'include' }).accessToken(), 'a0')
    assert.deepEqual([issuer.refreshes, issuer.revoked], [1, []])
  })

  test('a recorded logout ends a refresh even before its message arrives', {
    timeout: 10_000,
  }, async (t) => {
    const page = TestPage.install(t)
    const issuer = await Issuer.start(t)
    const session = issuer.open(t)
    await session.signIn(EXPIRED)
    const [asked, answer] = issuer.hold()
    const refreshing = session.refresh()
    await asked
    page.local.items.set(
      `portcullis:out:${JSON.stringify(issuer.app().app)}`,
      JSON.stringify({ state: 'out', app: issuer.app().app, version: Date.now() + 1_000, login: 0 }),
    )
    answer({ access_token: 'late', refresh_token: 'later' })
    assert.equal(await refreshing, 'signed_out')
    assert.deepEqual(session.events, ['signed-in', 'signed-out: other_tab'])
    while (issuer.revoked.length < 2) await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(issuer.revoked.sort(), ['late', 'later'])
  })

  test('a logout ends the login even if its tokens are newer', { timeout: 10_000 }, async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const channel = 'newer'
    const session = issuer.open(t, { channel })
    const { app, name } = issuer.app()
    const [stranger, peer] = [new BroadcastChannel(channel), new BroadcastChannel(`${channel}:${name}`)]
    t.after(() => (stranger.close(), peer.close()))
    await session.signIn(GOOD)
    const login = Date.now() + 1_000
    const tokens = { accessToken: 'a0', refreshToken: 'r0', login, version: login + 20 }
    const [signedIn, signedOut] = [event(session, 'signed-in'), event(session, 'signed-out')]
    peer.postMessage({ kind: 'tokens', tokens, session: name })
    await signedIn
    stranger.postMessage({ kind: 'signed-out', app, reason: 'logout', version: login - 10 })
    stranger.postMessage({ kind: 'signed-out', app, reason: 'logout', version: login + 10 })
    await signedOut
    assert.deepEqual(session.events, ['signed-in', 'signed-in', 'signed-out: other_tab'])
    peer.postMessage({ kind: 'tokens', tokens: { ...tokens, version: login + 30 }, session: name })
    while (issuer.revoked.length < 2) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(await session.accessToken(), undefined)
    assert.deepEqual(issuer.revoked.sort(), ['a0', 'r0'])
  })

  test('a logout ends here even if the endpoint does not respond', async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const session = issuer.open(t)
    await session.signIn(GOOD)
    issuer.server.listener = silent()
    assert.deepEqual(await session.logout({ timeoutMs: 50 }), {
      revoked: false,
      code: 'timed_out',
      uncleared: [],
      redirect: 'none',
    })
    assert.equal(session.signedIn, false)
  })
})

describe('a storage of the page', () => {
  test('keeps the session across a reload, and is cleared by a logout', async (t) => {
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

  test('tokens that a logout could not clear are not used again', async (t) => {
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

  test('does not fail the logout if it fails; it is reported as not cleared', async (t) => {
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

  test('stored values of another shape are ignored', async (t) => {
    for (const held of [null, 7, 'a0', {}, { accessToken: 1, version: 1, login: 1 }, { accessToken: 'a0' }]) {
      TestPage.install(t)
      const issuer = await Issuer.start(t)
      const session = issuer.open(t, {
        channel: JSON.stringify(held),
        storage: { ...storage(), load: () => held as unknown as StoredTokens },
      })
      assert.equal(await session.accessToken(), undefined)
    }
  })
})

test('runs outside a page', async (t) => {
  // No storage, events or locks: a server that renders.
  const issuer = await Issuer.start(t)
  const session = issuer.open(t, { tokens: EXPIRED, channel: 'server' })
  assert.equal((await session.fetch(`${issuer.server.url}/api`)).status, 200)
  assert.equal((await session.logout()).revoked, true)
})

test('reports mistakes in options', () => {
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
    assert.throws(
      () => createSession({ ...good, ...more } as SessionOptions),
      (error: Error) => {
        assert.doesNotMatch(error.message, /s3cret/)
        return message.test(error.message)
      },
    )
  }
})

test('a closed session rejects calls', async (t) => {
  const issuer = await Issuer.start(t)
  const session = issuer.open(t, { tokens: GOOD, channel: 'closed' })
  session.close()
  await assert.rejects(session.accessToken(), { code: 'closed' })
  await assert.rejects(session.signIn(GOOD), { code: 'closed' })
})
