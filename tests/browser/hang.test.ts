// Parts of a browser that may hang: a lock, a storage, another tab. In a real Chromium, with two or more tabs.

import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { openChromium, skip } from './chromium.ts'
import {
  accessToken,
  type BarePage,
  createSession,
  type Issuer,
  openStage,
  openTab,
  type PageSession,
  signIn,
  type Stage,
  waitSignedIn,
} from './issuer-stage.ts'

declare const window: Window & BarePage

const LIMIT = { skip, timeout: 90_000 }
let stage: Stage
let browser: Browser | undefined

before(async () => {
  if (skip !== false) return
  stage = await openStage()
  browser = await openChromium()
})
after(async () => {
  await browser?.close()
  await stage?.close()
})

async function openContext(t: TestContext): Promise<BrowserContext> {
  assert.ok(browser !== undefined)
  const context = await browser.newContext()
  t.after(() => context.close())
  return context
}

async function open(context: BrowserContext, options: PageSession): Promise<Page> {
  return createSession(await openTab(context, stage), options)
}

/** Opens tabs that share an expired access token. */
async function openExpired(context: BrowserContext, issuer: Issuer, count: number): Promise<Page[]> {
  const pages: Page[] = []
  while (pages.length < count) pages.push(await open(context, { issuer }))
  await signIn(pages[0] as Page, issuer.tokens('app', 0))
  await Promise.all(pages.map(waitSignedIn))
  return pages
}

/** Opens a tab whose script acquires every lock that a session uses, and never releases it. */
async function holdLocks(context: BrowserContext, issuer: Issuer): Promise<void> {
  const observed = await open(context, { issuer })
  await signIn(observed, issuer.tokens('app', 0))
  const asked = issuer.hold()
  await observed.evaluate(() => void window.session.refresh())
  await asked
  const names = await observed.evaluate(async () =>
    ((await navigator.locks.query()).held ?? []).map(({ name }) => name ?? ''),
  )
  assert.ok(names.length > 0, 'a refresh holds no lock')
  const holder = await openTab(context, stage)
  const holding = holder.evaluate(
    (names) =>
      Promise.all(
        names.map(
          (name) =>
            new Promise(
              (resolve) => void navigator.locks.request(name, () => (resolve(0), new Promise(() => undefined))),
            ),
        ),
      ),
    names,
  )
  issuer.release()
  await holding
  await observed.evaluate(() => window.session.logout())
  await observed.close()
  issuer.presented.length = 0
}

test(
  'a script that never releases the lock: one of three tabs refreshes, and all get the new token',
  LIMIT,
  async (t) => {
    const context = await openContext(t)
    const issuer = stage.issuer('lock')
    await holdLocks(context, issuer)
    const pages = await openExpired(context, issuer, 3)
    for (let round = 1; round <= 2; round += 1) {
      const given = await Promise.all(pages.map(accessToken))
      const slowest = Math.max(...given.map(({ elapsedMs }) => elapsedMs))
      t.diagnostic(`three tabs, the lock is never granted: new tokens after ${slowest.toFixed(0)} ms`)
      assert.deepEqual(
        given.map(({ jti }) => jti),
        Array.from(pages, () => `a${round + 1}`),
      )
      assert.ok(slowest < 15_000)
      assert.deepEqual([issuer.presented.length, issuer.reused], [round, false])
      await signIn(pages[0] as Page, issuer.tokens('app', 0))
      await Promise.all(
        pages
          .slice(1)
          .map((page) =>
            page.waitForFunction(
              (count) => window.events.filter((event) => event === 'signed-in').length === count,
              round + 1,
            ),
          ),
      )
    }
  },
)

test(
  'a valid token is returned at once, even if the lock is held, the storage hangs and the issuer is slow',
  LIMIT,
  async (t) => {
    const context = await openContext(t)
    const issuer = stage.issuer('good')
    await holdLocks(context, issuer)
    const page = await open(context, { issuer, storage: 'never settles', refreshBeforeSeconds: 200 })
    // Not awaited: only signing in waits for the storage.
    const signingIn = signIn(page, issuer.tokens())
    await waitSignedIn(page)
    const fresh = await accessToken(page)
    await signingIn
    void issuer.hold()
    // Advances the clock: 100 s are left, and a refresh is due.
    await page.evaluate(() => {
      const { now } = Date
      Date.now = () => now() + 200_000
    })
    const due = await accessToken(page)
    t.diagnostic(
      `given after ${fresh.elapsedMs.toFixed(1)} ms, and after ${due.elapsedMs.toFixed(1)} ms when a refresh is due`,
    )
    assert.deepEqual([fresh.jti, due.jti], ['a1', 'a1'])
    assert.ok(Math.max(fresh.elapsedMs, due.elapsedMs) < 1_000)
    issuer.release()
    await page.waitForFunction(() => window.events.includes('refreshed'))
    assert.deepEqual([(await accessToken(page)).jti, issuer.presented, issuer.reused], ['a2', ['r1'], false])
  },
)

test('a storage that never settles delays its tab only briefly and no other tab', LIMIT, async (t) => {
  const context = await openContext(t)
  const issuer = stage.issuer('storage')
  const [hung, healthy] = [await open(context, { issuer, storage: 'never settles' }), await open(context, { issuer })]
  const empty = await accessToken(hung)
  assert.deepEqual(empty.jti, undefined)
  assert.ok(empty.elapsedMs < 5_000)
  await signIn(hung, issuer.tokens('app', 0))
  await waitSignedIn(healthy)
  const given = await Promise.all([hung, healthy].map(accessToken))
  assert.deepEqual(
    given.map(({ jti }) => jti),
    ['a1', 'a1'],
  )
  assert.deepEqual([issuer.presented, issuer.reused], [['r0'], false])
  t.diagnostic(
    `without tokens ${empty.elapsedMs.toFixed(0)} ms, a refresh ${given.map(({ elapsedMs }) => elapsedMs.toFixed(0)).join(' and ')} ms`,
  )
  const outcome = await hung.evaluate(() => window.session.logout())
  assert.deepEqual(outcome, { revoked: true, uncleared: ['storage'], redirect: 'none' })
  assert.equal(await hung.evaluate(() => window.session.accessToken()), undefined)
})

test('tokens that a slow storage returns late are still used', LIMIT, async (t) => {
  const context = await openContext(t)
  const page = await open(context, { issuer: stage.issuer('late'), storage: 'has tokens after 1.5 s' })
  assert.equal((await accessToken(page)).jti, undefined)
  await page.waitForFunction(() => window.events.length > 0)
  assert.deepEqual([await page.evaluate(() => window.events), (await accessToken(page)).jti], [['signed-in'], 'stored'])
})

test('a tab is closed during a refresh: another one takes over at once', LIMIT, async (t) => {
  const context = await openContext(t)
  const issuer = stage.issuer('closed')
  const [first, second, third] = (await openExpired(context, issuer, 3)) as [Page, Page, Page]
  const asked = issuer.hold()
  await first.evaluate(() => void window.session.accessToken())
  await asked
  const abandoned = issuer.abandoned()
  await first.close()
  await abandoned
  issuer.release()
  const given = await Promise.all([accessToken(second), accessToken(third)])
  t.diagnostic(
    `the others have new tokens after ${given.map(({ elapsedMs }) => elapsedMs.toFixed(0)).join(' and ')} ms`,
  )
  assert.deepEqual(
    given.map(({ jti }) => jti),
    ['a1', 'a1'],
  )
  assert.ok(given.every(({ elapsedMs }) => elapsedMs < 5_000))
  assert.deepEqual([issuer.presented, issuer.reused], [['r0', 'r0'], false])
})

test(
  'a tab is frozen before it sends its refresh: another one refreshes, and the frozen one does not spend the token again',
  LIMIT,
  async (t) => {
    const context = await openContext(t)
    const issuer = stage.issuer('frozen')
    // The tab holds the lock while it waits for its storage.
    const frozen = await open(context, { issuer, storage: 'settles after 0.5 s' })
    const other = await open(context, { issuer })
    const signingIn = signIn(frozen, issuer.tokens('app', 0))
    await Promise.all([waitSignedIn(frozen), waitSignedIn(other)])
    await signingIn
    const freezer = stage.freezer()
    await frozen.evaluate(async (url) => {
      void window.session.refresh()
      let held = 0
      while (held === 0) held = ((await navigator.locks.query()).held ?? []).length
      // A synchronous request blocks everything in the page: timers, messages, responses.
      setTimeout(() => {
        const request = new XMLHttpRequest()
        request.open('GET', url, false)
        request.send()
      })
    }, freezer.url)
    await freezer.frozen
    const given = await accessToken(other)
    t.diagnostic(`the other tab has new tokens after ${given.elapsedMs.toFixed(0)} ms`)
    assert.equal(given.jti, 'a1')
    assert.ok(given.elapsedMs < 25_000)
    freezer.thaw()
    await frozen.waitForFunction(() => window.events.includes('refreshed'))
    assert.equal((await accessToken(frozen)).jti, 'a1')
    assert.deepEqual([issuer.presented, issuer.reused], [['r0'], false])
  },
)

test('navigator.onLine is wrongly false: the refresh and the logout are sent', LIMIT, async (t) => {
  const context = await openContext(t)
  await context.addInitScript(() => Object.defineProperty(navigator, 'onLine', { value: false }))
  const issuer = stage.issuer('online')
  const [page] = (await openExpired(context, issuer, 1)) as [Page]
  assert.equal(await page.evaluate(() => navigator.onLine), false)
  assert.equal((await accessToken(page)).jti, 'a1')
  assert.deepEqual(await page.evaluate(() => window.session.logout()), {
    revoked: true,
    uncleared: [],
    redirect: 'none',
  })
  assert.equal(issuer.revoked.length, 2)
  await context.setOffline(true)
  const outcome = await page.evaluate(
    (url) => window.portcullis.logout({ revokeUrl: `${url}/revoke`, clientId: 'app', accessToken: 'a' }),
    issuer.url,
  )
  assert.deepEqual(outcome, { revoked: false, code: 'offline', uncleared: [], redirect: 'none' })
})
