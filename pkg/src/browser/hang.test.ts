// Dependencies that never respond: a lock, a storage, the page's fetch, a tab that held the lease. For real browsers
// see tests/browser/hang.test.ts.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { logout, type TokenStorage } from './index.ts'
import { event, EXPIRED, GOOD, Issuer } from './testing/issuer.ts'
import { replace, TestPage } from './testing/page.ts'

const LIMIT = { timeout: 40_000 }
const never = (): Promise<never> => new Promise(() => undefined)
const SILENT: TokenStorage = { load: never, save: never, clear: never }

/** Returns the name of the lease for the sessions of an issuer. */
function leaseOf(issuer: Issuer): string {
  return `portcullis:refresh:${issuer.app().name}`
}

describe('a lock that is never granted', () => {
  test('times out, and then the lease decides: one refresh for three tabs', LIMIT, async (t) => {
    TestPage.install(t, { locks: 'web' })
    const issuer = await Issuer.start(t)
    void navigator.locks.request(leaseOf(issuer), {}, never)
    const [first, ...others] = [issuer.open(t), issuer.open(t), issuer.open(t)]
    const heard = others.map((tab) => event(tab, 'signed-in'))
    await first?.signIn(EXPIRED)
    await Promise.all(heard)
    const tokens = await Promise.all([first, ...others].map((tab) => tab?.accessToken()))
    assert.deepEqual([tokens, issuer.refreshes, issuer.reused], [['a1', 'a1', 'a1'], 1, false])
  })

  test('times out without storage, too', LIMIT, async (t) => {
    const page = TestPage.install(t, { locks: 'web' })
    page.local.state = 'denied'
    const issuer = await Issuer.start(t)
    void navigator.locks.request(leaseOf(issuer), {}, never)
    const session = issuer.open(t)
    await session.signIn(EXPIRED)
    assert.deepEqual([await session.accessToken(), issuer.refreshes], ['a1', 1])
  })

  test('does not delay a valid token, even if its refresh is due', LIMIT, async (t) => {
    TestPage.install(t, { locks: 'web' })
    t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 })
    const issuer = await Issuer.start(t)
    const [asked, answer] = issuer.hold()
    const session = issuer.open(t, { tokens: GOOD, storage: SILENT })
    assert.equal(await Promise.race([session.accessToken(), asked]), 'a0')
    t.mock.timers.setTime(1_800_000_000_000 + 280_000)
    assert.equal(await Promise.race([session.accessToken(), asked]), 'a0')
    // Further use starts no second refresh.
    assert.equal(await session.accessToken(), 'a0')
    const refreshed = event(session, 'refreshed')
    await asked
    answer({ access_token: 'a1', refresh_token: 'r1', expires_in: 300 })
    await refreshed
    assert.deepEqual([await session.accessToken(), issuer.refreshes], ['a1', 1])
  })

  test('a script that steals the lock does not make a refresh fail', LIMIT, async (t) => {
    TestPage.install(t)
    const request = (_: string, __: object, work: () => Promise<unknown>): Promise<never> => {
      void work()
      return Promise.reject(new DOMException('stolen', 'AbortError'))
    }
    replace(t, 'navigator', { locks: { request } })
    const issuer = await Issuer.start(t)
    const session = issuer.open(t)
    await session.signIn(EXPIRED)
    assert.deepEqual([await session.refresh(), issuer.refreshes], ['refreshed', 1])
  })
})

describe('a lease', () => {
  for (const [holder, isRespected] of [
    ['locked', false],
    ['unlocked', true],
  ] as const) {
    test(
      `of a tab that is gone, written by a holder that was ${holder}: ${isRespected ? 'respected until it expires' : 'void, because the lock was granted'}`,
      LIMIT,
      async (t) => {
        const page = TestPage.install(t, { locks: 'web' })
        const issuer = await Issuer.start(t)
        const endsMs = Date.now() + 4_000
        page.local.items.set(leaseOf(issuer), `gone ${endsMs} ${holder}`)
        const session = issuer.open(t)
        await session.signIn(EXPIRED)
        assert.equal(await session.accessToken(), 'a1')
        assert.equal(Date.now() >= endsMs, isRespected)
        assert.equal(page.local.items.has(leaseOf(issuer)), false)
      },
    )
  }

  test('that another tab has taken meanwhile prevents spending the refresh token', LIMIT, async (t) => {
    const page = TestPage.install(t)
    const issuer = await Issuer.start(t)
    const other = (): undefined => void page.local.items.set(leaseOf(issuer), `other ${Date.now() + 10_000} unlocked`)
    const session = issuer.open(t, { storage: { load: other, save: () => undefined, clear: () => undefined } })
    page.local.items.clear()
    await session.signIn(EXPIRED)
    // This tab freezes while it loads; when it resumes, another tab has the lease.
    assert.deepEqual([await session.refresh(), session.signedIn, issuer.refreshes], ['unavailable', true, 0])
  })

  test('written under a clock far ahead does not block a refresh', LIMIT, async (t) => {
    const page = TestPage.install(t)
    const issuer = await Issuer.start(t)
    page.local.items.set(leaseOf(issuer), `gone ${Date.now() + 9e9} unlocked`)
    const session = issuer.open(t)
    await session.signIn(EXPIRED)
    assert.equal(await session.accessToken(), 'a1')
  })
})

describe('a storage that never settles', () => {
  test('does not block sign-in, refresh or logout', LIMIT, async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    const session = issuer.open(t, { storage: SILENT })
    assert.equal(await session.accessToken(), undefined)
    await session.signIn(EXPIRED)
    assert.equal(await session.accessToken(), 'a1')
    assert.deepEqual(await session.logout(), { revoked: true, uncleared: ['storage'], redirect: 'none' })
    assert.deepEqual(issuer.revoked.sort(), ['a1', 'r1'])
  })

  test('until later: its tokens are accepted unless a login or logout came first', LIMIT, async (t) => {
    for (const [first, expected] of [
      ['nothing', 'stored'],
      ['login', 'a0'],
      ['logout', undefined],
    ] as const) {
      TestPage.install(t)
      const issuer = await Issuer.start(t)
      let settle: (stored: object) => void = () => undefined
      const load = (): Promise<never> => new Promise((resolve) => (settle = resolve as typeof settle))
      const session = issuer.open(t, { channel: first, storage: { ...SILENT, load } })
      assert.equal(await session.accessToken(), undefined)
      const stored = { accessToken: 'stored', version: 1, login: 1 }
      if (first !== 'nothing') await session.signIn(GOOD)
      if (first === 'logout') await session.logout()
      settle(stored)
      await new Promise((resolve) => setImmediate(resolve))
      assert.equal(await session.accessToken(), expected, first)
    }
  })

  test('delays only the first call', LIMIT, async (t) => {
    TestPage.install(t)
    const issuer = await Issuer.start(t)
    let loads = 0
    const session = issuer.open(t, { storage: { ...SILENT, load: () => (loads++, never()) } })
    await session.accessToken()
    const began = performance.now()
    for (let round = 0; round < 5; round += 1) {
      await session.signIn(GOOD)
      await session.refresh()
    }
    assert.ok(performance.now() - began < 9_000, 'each of the ten calls waited')
    assert.equal(loads, 1)
  })
})

test('a custom fetch that never settles and ignores its signal does not end the session', LIMIT, async (t) => {
  TestPage.install(t)
  const issuer = await Issuer.start(t)
  const session = issuer.open(t, { fetch: never, tokens: EXPIRED })
  assert.equal(await session.accessToken(), undefined)
  assert.equal(session.signedIn, true)
})

test('the request decides even if navigator.onLine is false', LIMIT, async (t) => {
  TestPage.install(t)
  replace(t, 'navigator', { onLine: false })
  const issuer = await Issuer.start(t)
  const revokeUrl = `${issuer.server.url}/revoke`
  const outcome = await logout({ revokeUrl, clientId: 'demo', accessToken: 'a0' })
  assert.deepEqual([outcome.revoked, issuer.revoked], [true, ['a0']])
  const failing = (): Promise<never> => Promise.reject(new TypeError('no'))
  const failed = await logout({ revokeUrl, clientId: 'demo', accessToken: 'a0', fetch: failing })
  assert.deepEqual(failed, { revoked: false, code: 'offline', uncleared: [], redirect: 'none' })
  const session = issuer.open(t, { tokens: EXPIRED })
  assert.equal(await session.accessToken(), 'a1')
})
