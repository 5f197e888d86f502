// A session over several tabs: one refresh for all, a logout in all, and messages that a tab has missed.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { silent } from '../test-fixtures/server.ts'
import { event, EXPIRED, GOOD, Issuer } from './testing/issuer.ts'
import { replace, TestPage } from './testing/page.ts'
import { storage } from './testing/storage.ts'

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
      const tokens = await Promise.all(
        [first, ...others].flatMap((tab) => Array.from({ length: 20 }, () => tab?.accessToken())),
      )
      assert.deepEqual([...new Set(tokens)], ['a1'])
      assert.deepEqual([issuer.refreshes, issuer.reused], [1, false])
    })

    test('an insecure page refreshes as well', async (t) => {
      TestPage.install(t, { locks })
      const { getRandomValues } = crypto
      replace(t, 'crypto', { getRandomValues: getRandomValues.bind(crypto) })
      const issuer = await Issuer.start(t)
      const session = issuer.open(t, { channel: `insecure ${locks}` })
      await session.signIn(EXPIRED)
      assert.equal(await session.accessToken(), 'a1')
    })

    test('a tab opened later has the session, and a logout ends it in all tabs', async (t) => {
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

describe('messages that a tab has missed', () => {
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

  test('from the back-forward cache after another user logged in: signed out at once', async (t) => {
    const page = TestPage.install(t)
    replace(t, 'BroadcastChannel', undefined)
    const issuer = await Issuer.start(t)
    const frozen = issuer.open(t)
    await frozen.signIn(GOOD)
    await issuer.open(t, { tokens: GOOD }).accessToken()
    page.dispatch('pageshow', { persisted: true })
    assert.equal(frozen.signedIn, false)
  })

  test('signs out without storage, because it cannot know the state', async (t) => {
    const page = TestPage.install(t)
    const issuer = await Issuer.start(t)
    page.local.state = 'denied'
    const session = issuer.open(t)
    await session.signIn(GOOD)
    assert.equal(await session.accessToken(), 'a0')
    page.dispatch('pageshow', { persisted: true })
    assert.equal(session.signedIn, false)
  })

  test('a refresh token spent by another tab is not spent again, even if that tab is gone', {
    timeout: 10_000,
  }, async (t) => {
    TestPage.install(t)
    replace(t, 'BroadcastChannel', undefined)
    const issuer = await Issuer.start(t)
    const store = storage()
    const slept = issuer.open(t, { storage: { ...store, load: () => undefined } })
    await slept.signIn(EXPIRED)
    const other = issuer.open(t, {
      storage: {
        ...store,
        load: () => ({
          ...store.held,
          accessToken: 'a0',
          refreshToken: 'r0',
          expiresAtMs: 1,
          login: 1,
          version: Date.now() + 1,
        }),
      },
    })
    assert.equal(await other.accessToken(), 'a1')
    other.close()
    assert.equal(await slept.accessToken(), undefined)
    assert.deepEqual([issuer.refreshes, issuer.reused, slept.signedIn], [1, false, false])
  })

  test('missed tokens are requested before any is spent, even if storage is denied', async (t) => {
    const page = TestPage.install(t, { locks: 'web' })
    page.local.state = 'denied'
    let isDeaf = false
    class Deaf extends BroadcastChannel {
      override set onmessage(listener: (event: MessageEvent) => void) {
        this.addEventListener('message', (event) => {
          if (!isDeaf || (event as MessageEvent<{ kind: string }>).data.kind !== 'tokens')
            listener(event as MessageEvent)
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

  test('an unresponsive token endpoint does not delay a logout', async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    issuer.instead = silent()
    const session = issuer.open(t, { channel: 'silent', cookies: 'include' })
    assert.equal((await session.logout()).revoked, true)
    assert.deepEqual(issuer.revoked, [''])
  })

  test('garbage on the channels changes nothing', { timeout: 10_000 }, async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const session = issuer.open(t, { channel: 'garbage' })
    await session.signIn(GOOD)
    const { app, name } = issuer.app()
    const [stranger, peer] = [new BroadcastChannel('garbage'), new BroadcastChannel(`garbage:${name}`)]
    t.after(() => (stranger.close(), peer.close()))
    const answered = new Promise((resolve) => (peer.onmessage = resolve))
    const evil = { accessToken: 'evil', version: 9e13, login: 9e13 }
    const messages = [
      { kind: 'tokens', session: name, tokens: { ...evil, expiresAtMs: Number.NaN } },
      { kind: 'tokens', session: name, tokens: { accessToken: 'evil' } },
      // A message of an older version of this package, which does not name the session.
      { kind: 'tokens', tokens: evil },
      { kind: 'signed-out', reason: 'logout', version: 9e13 },
      { kind: 'signed-out', app, reason: 'logout', version: 9e15 },
      { kind: 'signed-out', app: null, reason: 'logout', version: 9e13 },
      { kind: 'signed-out', app: { client: 7 }, reason: 'logout', version: 9e13 },
      { kind: 'signed-out', app, reason: 'x', version: 1 },
      { kind: 'signed-out', app },
      { kind: 'signed-out' },
      {},
      7,
      null,
    ]
    for (const message of messages) for (const channel of [stranger, peer]) channel.postMessage(message)
    peer.postMessage({ kind: 'asks', session: name, version: Number.MAX_SAFE_INTEGER })
    await answered
    assert.equal(await session.accessToken(), 'a0')
  })
})
