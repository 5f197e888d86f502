// portcullis/browser in a real Chromium, against the demo's origin and edge.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { Login } from '../../www/demo/client.ts'
import { openChromium, skip } from './chromium.ts'
import { type App, type InPage, openApp, visit } from './stage.ts'

declare const window: Window & InPage

const LIMIT = { skip, timeout: 60_000 }
let app: App
let browser: Browser | undefined

before(async () => {
  if (skip !== false) return
  app = await openApp()
  browser = await openChromium()
})
after(async () => {
  await browser?.close()
  await app?.close()
})

/** Opens a separate browser for each test, with an empty profile. */
async function context(): Promise<BrowserContext> {
  assert.ok(browser !== undefined)
  return browser.newContext()
}

async function open(in_: BrowserContext, query = ''): Promise<Page> {
  return visit(await in_.newPage(), `${app.url}/${query}`)
}

/** Logs in by the page's script. `lifetime` is the `expires_in` that the page gets. */
async function logIn(page: Page, lifetime?: number): Promise<Login> {
  const login = await app.client.logIn('alice')
  await page.evaluate(
    ([accessToken, refreshToken, expiresInSeconds]) =>
      window.session.signIn({ accessToken, refreshToken, expiresInSeconds }),
    [login.access_token, login.refresh_token, lifetime ?? login.expires_in] as const,
  )
  return login
}

function call(page: Page): Promise<number> {
  return page.evaluate(async () => (await window.session.fetch('/api/whoami')).status)
}

function events(page: Page): Promise<string[]> {
  return page.evaluate(() => window.events)
}

function shown(page: Page): Promise<string | null> {
  return page.textContent('#private')
}

test('log in, call, log out, refused', LIMIT, async (t) => {
  const tabs = await context()
  t.after(() => tabs.close())
  const page = await open(tabs)
  const { access_token: token } = await logIn(page)
  assert.equal(await call(page), 200)
  assert.equal(await shown(page), 'private mail')
  const outcome = await page.evaluate(() => window.session.logout({ redirectTo: '//evil.example' }))
  assert.deepEqual(outcome, { revoked: true, uncleared: [], redirect: 'refused' })
  const { answer, milliseconds } = await app.client.refused(token)
  t.diagnostic(`refused at the edge ${milliseconds.toFixed(0)} ms after the logout`)
  assert.equal(answer.body['error'], 'invalid_token')
  assert.deepEqual([await call(page), await shown(page)], [401, ''])
})

test('one tab logs out, the other is signed out within a second', LIMIT, async (t) => {
  const tabs = await context()
  t.after(() => tabs.close())
  const [first, second] = [await open(tabs), await open(tabs)]
  await logIn(first)
  await second.waitForFunction(() => window.session.signedIn)
  const began = Date.now()
  await first.evaluate(() => void window.session.logout())
  await second.waitForFunction(() => !window.session.signedIn, undefined, { polling: 10 })
  const elapsedMs = Date.now() - began
  t.diagnostic(`the other tab was signed out after ${elapsedMs} ms`)
  assert.ok(elapsedMs < 1_000)
  assert.deepEqual([await events(second), await shown(second)], [['signed-in', 'signed-out: other_tab'], ''])
})

test(
  'the revoke endpoint is down: the tokens are still cleared here, and the failure is reported',
  LIMIT,
  async (t) => {
    const tabs = await context()
    t.after(() => tabs.close())
    const page = await open(tabs)
    await logIn(page)
    await page.evaluate(async () => {
      localStorage.setItem('draft', 'x')
      localStorage.setItem('theme', 'dark')
      await (await caches.open('pages')).put('/inbox', new Response('mail'))
      await new Promise((resolve, reject) => {
        const request = indexedDB.open('mail')
        request.onsuccess = () => resolve(request.result.close())
        request.onerror = reject
      })
    })
    app.breakDown('/revoke')
    t.after(() => app.repair())
    const outcome = await page.evaluate(() => window.session.logout())
    assert.deepEqual(outcome, { revoked: false, code: 'unreachable', uncleared: [], redirect: 'none' })
    const left = await page.evaluate(async () => ({
      draft: localStorage.getItem('draft'),
      theme: localStorage.getItem('theme'),
      caches: await caches.keys(),
      databases: (await indexedDB.databases()).map(({ name }) => name),
      token: await window.session.accessToken(),
    }))
    assert.deepEqual(left, { draft: null, theme: 'dark', caches: [], databases: [], token: undefined })
    await tabs.setOffline(true)
    await logIn(page)
    assert.deepEqual(await page.evaluate(() => window.session.logout()), {
      revoked: false,
      code: 'offline',
      uncleared: [],
      redirect: 'none',
    })
  },
)

test('a database that another page keeps open is reported; a single store of it is cleared', LIMIT, async (t) => {
  const tabs = await context()
  t.after(() => tabs.close())
  const [page, holder] = [await open(tabs), await open(tabs)]
  await holder.evaluate(
    () =>
      new Promise<void>((resolve) => {
        const request = indexedDB.open('mail')
        request.onupgradeneeded = () => request.result.createObjectStore('tokens').put('secret', 'access')
        request.onsuccess = () => resolve(void Object.assign(window, { held: request.result }))
      }),
  )
  const outcome = await page.evaluate(() =>
    window.portcullis.logout({
      revokeUrl: '/v1/auth/token/revoke'.replace(/^/, location.origin),
      clear: {
        indexedDB: [
          { database: 'mail', store: 'tokens', key: 'access' },
          { database: 'none', store: 'x' },
        ],
      },
    }),
  )
  assert.deepEqual(outcome, { revoked: false, code: 'nothing_to_revoke', uncleared: [], redirect: 'none' })
  const left = await holder.evaluate(
    () =>
      new Promise((resolve) => {
        const { held } = window as unknown as { held: IDBDatabase }
        const count = held.transaction('tokens').objectStore('tokens').count()
        count.onsuccess = () => resolve(count.result)
      }),
  )
  assert.equal(left, 0)
  assert.deepEqual(await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name)), ['mail'])
  const whole = await page.evaluate(() =>
    window.portcullis.logout({ revokeUrl: `${location.origin}/revoke`, clear: { indexedDB: ['mail'] } }),
  )
  assert.deepEqual(whole.uncleared, ['indexedDB:mail'])
})

test('twenty requests with an expired token: one refresh', LIMIT, async (t) => {
  const tabs = await context()
  t.after(() => tabs.close())
  const page = await open(tabs)
  await logIn(page, 0)
  const before = app.refreshes()
  const statuses = await page.evaluate(async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => window.session.fetch('/api/whoami')))
    return answers.map(({ status }) => status)
  })
  assert.deepEqual(
    statuses,
    Array.from({ length: 20 }, () => 200),
  )
  assert.equal(app.refreshes() - before, 1)
})

test('the same over five tabs', LIMIT, async (t) => {
  const tabs = await context()
  t.after(() => tabs.close())
  const pages = [await open(tabs), await open(tabs), await open(tabs), await open(tabs), await open(tabs)]
  const [first] = pages
  assert.ok(first !== undefined)
  for (let round = 0; round < 5; round += 1) {
    // An expired token is refreshed at once, by one tab for all.
    const before = app.refreshes()
    await logIn(first, 0)
    await Promise.all(pages.map((page) => page.waitForFunction(() => window.session.signedIn)))
    const statuses = await Promise.all(
      pages.map((page) =>
        page.evaluate(async () => {
          const answers = await Promise.all(Array.from({ length: 4 }, () => window.session.fetch('/api/whoami')))
          return answers.map(({ status }) => status)
        }),
      ),
    )
    assert.deepEqual(
      statuses.flat(),
      Array.from({ length: 20 }, () => 200),
    )
    assert.equal(app.refreshes() - before, 1, `round ${round}`)
  }
})

test('an old refresh token is used again: the session ends everywhere', LIMIT, async (t) => {
  const tabs = await context()
  t.after(() => tabs.close())
  const [first, second] = [await open(tabs), await open(tabs)]
  const stolen = (await logIn(first)).refresh_token
  await second.waitForFunction(() => window.session.signedIn)
  assert.equal(await first.evaluate(() => window.session.refresh()), 'refreshed')
  const token = (await second.evaluate(() => window.session.accessToken())) ?? ''
  assert.equal((await app.client.call(token)).status, 200)
  assert.equal((await app.client.refresh(stolen)).status, 400)
  await app.client.refused(token)
  assert.equal(await call(second), 401)
  await first.waitForFunction(() => !window.session.signedIn)
  assert.equal((await events(second)).at(-1), 'signed-out: refused')
  assert.deepEqual([(await events(first)).at(-1), await shown(first)], ['signed-out: refused', ''])
})

test('the page is closed right after logout(): the token is still revoked', LIMIT, async (t) => {
  const tabs = await context()
  t.after(() => tabs.close())
  for (const how of ['close', 'leave'] as const) {
    const page = await open(tabs)
    const { access_token: token, refresh_token: refreshToken } = await logIn(page)
    await page.evaluate(() => void window.session.logout())
    if (how === 'close') await page.close()
    else await page.goto('about:blank')
    const { milliseconds } = await app.client.refused(token)
    t.diagnostic(`${how}: refused after ${milliseconds.toFixed(0)} ms`)
    assert.equal((await app.client.refresh(refreshToken)).status, 400)
  }
})

for (const channel of ['with', 'without'] as const) {
  test(`the back button after a logout shows nothing private, ${channel} BroadcastChannel`, LIMIT, async (t) => {
    const tabs = await context()
    t.after(() => tabs.close())
    // A page that gets a message is evicted from the back-forward cache; otherwise it is restored unchanged.
    if (channel === 'without') await tabs.addInitScript(() => Reflect.deleteProperty(window, 'BroadcastChannel'))
    const page = await open(tabs)
    await logIn(page)
    assert.equal(await shown(page), 'private mail')
    // The user logs out on another page of the app, in the same tab.
    const token = (await page.evaluate(() => window.session.accessToken())) ?? ''
    await visit(page, `${app.url}/settings`)
    const outcome = await page.evaluate(
      (accessToken) => window.portcullis.logout({ revokeUrl: `${location.origin}/v1/auth/token/revoke`, accessToken }),
      token,
    )
    assert.equal(outcome.revoked, true)
    await page.goBack({ waitUntil: 'commit' })
    if (channel === 'without') {
      await page.waitForFunction(() => window.events?.some((event) => event.startsWith('restored')))
      assert.deepEqual(await events(page), ['signed-in', 'signed-out: other_tab', 'restored: '])
    } else {
      await page.waitForFunction(() => 'session' in window)
    }
    assert.deepEqual([await shown(page), await page.evaluate(() => window.session.signedIn)], ['', false])
    assert.equal(await call(page), 401)
  })
}

test(
  'a refresh token in a cookie: no script sees it, a reload keeps the session, another site can do nothing',
  LIMIT,
  async (t) => {
    const tabs = await context()
    t.after(() => tabs.close())
    const page = await open(tabs, '?client=demo-browser')
    const token = await page.evaluate(async () => {
      const body = { grant_type: 'password', client_id: 'demo-browser', username: 'alice', password: 'alice-password' }
      const response = await fetch('/realms/acme/protocol/openid-connect/token', {
        method: 'POST',
        body: new URLSearchParams(body),
        headers: { 'portcullis-csrf': '1' },
      })
      const answer = (await response.json()) as { access_token: string; expires_in: number; refresh_token?: string }
      if (answer.refresh_token !== undefined || document.cookie !== '')
        throw new Error('a script can read the refresh token')
      await window.session.signIn({ accessToken: answer.access_token, expiresInSeconds: answer.expires_in })
      return answer.access_token
    })
    const [cookie] = await tabs.cookies(app.url)
    assert.deepEqual(
      [cookie?.name, cookie?.httpOnly, cookie?.secure, cookie?.sameSite],
      ['__Host-portcullis-refresh', true, true, 'Strict'],
    )

    await page.reload()
    await page.waitForFunction(() => window.session?.signedIn)
    assert.equal(await call(page), 200)

    const elsewhere = createServer(
      (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>'),
    )
    elsewhere.listen(0, 'localhost')
    await once(elsewhere, 'listening')
    t.after(() => elsewhere.close())
    const attacker = await tabs.newPage()
    await attacker.goto(`http://localhost:${(elsewhere.address() as AddressInfo).port}/`)
    for (const endpoint of ['revoke', 'logout', 'token']) {
      const action = `${app.url}/realms/acme/protocol/openid-connect/${endpoint}`
      const refused = attacker.waitForResponse(action)
      await attacker.evaluate((url) => {
        const body = new URLSearchParams({ client_id: 'demo-browser', grant_type: 'refresh_token' })
        void fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include', body })
      }, action)
      assert.equal((await refused).status(), 403, endpoint)
    }
    assert.equal(await page.evaluate(() => window.session.refresh()), 'refreshed')

    const outcome = await page.evaluate(() => window.session.logout())
    assert.deepEqual(outcome, { revoked: true, uncleared: [], redirect: 'none' })
    assert.deepEqual(await tabs.cookies(app.url), [])
    await app.client.refused(token)
    await page.reload()
    await page.waitForFunction(() => 'session' in window)
    assert.equal(await page.evaluate(() => window.session.accessToken()), undefined)
  },
)
