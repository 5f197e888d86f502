// A session in Chromium without the APIs that an older browser lacks: first without all that are newer than the
// baseline, then without each row of www/docs/browsers.md.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
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
  signIn,
  type Stage,
  waitSignedIn,
  waitSignedOut,
} from './issuer-stage.ts'

declare const window: Window & BarePage

const LIMIT = { skip, timeout: 60_000 }
const PAGE = readFileSync(new URL('../../www/docs/browsers.md', import.meta.url), 'utf8')
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

/** APIs newer than Chrome 93, Firefox 92 or Safari 15.4, whether the code uses them or not. */
const YOUNG = [
  'AbortSignal.timeout',
  'AbortSignal.any',
  'AbortSignal.prototype.throwIfAborted',
  'AbortSignal.prototype.reason',
  'structuredClone',
  'Promise.withResolvers',
  'Promise.try',
  'Object.groupBy',
  'Map.groupBy',
  'URL.canParse',
  'URL.parse',
  'Response.json',
  'crypto.randomUUID',
  'CompressionStream',
  'DecompressionStream',
  'ReadableStream.from',
  'scheduler',
  'navigation',
  'Iterator',
  'RegExp.escape',
  'Error.captureStackTrace',
  'Error.isError',
  'Math.f16round',
  'Uint8Array.fromBase64',
  'Uint8Array.prototype.toBase64',
  'Navigator.prototype.locks',
  ...['findLast', 'findLastIndex', 'toReversed', 'toSorted', 'toSpliced', 'with'].map(
    (name) => `Array.prototype.${name}`,
  ),
  ...['union', 'intersection', 'difference', 'symmetricDifference', 'isSubsetOf', 'isSupersetOf', 'isDisjointFrom'].map(
    (name) => `Set.prototype.${name}`,
  ),
  ...['isWellFormed', 'toWellFormed'].map((name) => `String.prototype.${name}`),
]

/** Removes functions and getters, as in a browser that never had them. Records the ones that existed. */
function takeAway(paths: string[]): void {
  const taken: string[] = []
  for (const path of paths) {
    const names = path.split('.')
    const last = names.pop() ?? ''
    const owner = names.reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], window)
    if (owner !== undefined && Object.hasOwn(owner as object, last) && Reflect.deleteProperty(owner as object, last))
      taken.push(path)
  }
  Object.assign(window, { taken })
}

/** Blocks storage as a browser does when all cookies are blocked. */
const DENY_STORAGE = `
Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('denied', 'SecurityError') } })
window.taken = ['localStorage']`

async function openContext(t: TestContext, without: readonly string[]): Promise<BrowserContext> {
  assert.ok(browser !== undefined)
  const context = await browser.newContext()
  t.after(() => context.close())
  if (without.includes('localStorage')) await context.addInitScript(DENY_STORAGE)
  else await context.addInitScript(takeAway, [...without])
  return context
}

async function open(context: BrowserContext, issuer: Issuer): Promise<Page> {
  const page = await openTab(context, stage)
  assert.equal(await page.evaluate(() => (window as unknown as { taken: string[] }).taken.length > 0), true)
  return createSession(page, { issuer })
}

/** Signs in, refreshes in two tabs at once, and signs out in both. */
async function useTwoTabs(context: BrowserContext, issuer: Issuer, doTabsShare: boolean): Promise<void> {
  const [first, second] = [await open(context, issuer), await open(context, issuer)]
  if (!doTabsShare) await signIn(second, { accessToken: 'second' })
  await signIn(first, issuer.tokens('app', 0))
  await waitSignedIn(second)
  const given = await Promise.all([accessToken(first), accessToken(second)])
  assert.deepEqual(
    given.map(({ jti }) => jti),
    ['a1', doTabsShare ? 'a1' : 'second'],
  )
  assert.deepEqual([issuer.presented, issuer.reused], [['r0'], false])
  const outcome = await first.evaluate(() => window.session.logout())
  assert.deepEqual(outcome, { revoked: true, uncleared: [], redirect: 'none' })
  await waitSignedOut(second)
}

test('without all APIs newer than the baseline', LIMIT, async (t) => {
  await useTwoTabs(await openContext(t, YOUNG), stage.issuer('young'), true)
})

const [, table = ''] = /<!-- table: fallbacks -->\n(.*?)<!-- \/table -->/s.exec(PAGE) ?? []
const rows = [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, name = '']) => name)
/** The object that has the API, if the name on the page does not include it. */
const PLACES: Record<string, string> = {
  'navigator.locks': 'Navigator.prototype.locks',
  'AbortSignal.reason': 'AbortSignal.prototype.reason',
}

for (const [index, name] of rows.entries()) {
  test(`without ${name}`, LIMIT, async (t) => {
    const context = await openContext(t, [PLACES[name] ?? name])
    await useTwoTabs(context, stage.issuer(`without${index}`), name !== 'BroadcastChannel')
  })
}

test('an abort takes effect at once during a refresh, and the refresh continues', LIMIT, async (t) => {
  assert.equal(rows.length, 4)
  for (const [index, without] of [
    ['Iterator'],
    ['AbortSignal.prototype.reason', 'AbortSignal.prototype.throwIfAborted'],
  ].entries()) {
    const context = await openContext(t, without)
    const issuer = stage.issuer(`abort${index}`)
    const page = await openTab(context, stage)
    await createSession(page, { issuer, allowedOrigins: [stage.url] })
    await signIn(page, issuer.tokens('app', 0))
    const asked = issuer.hold()
    await page.evaluate(() => {
      const aborting = new AbortController()
      const [aborted, other] = ['aborted', 'other'].map((name) =>
        window.session.fetch(`/${name}`, name === 'other' ? {} : { signal: aborting.signal }).then(
          ({ status }) => status,
          (error: Error) => error.name,
        ),
      )
      Object.assign(window, { aborting, aborted, other })
    })
    await asked
    const name = await page.evaluate(() => {
      const { aborting, aborted } = window as unknown as { aborting: AbortController; aborted: Promise<string> }
      aborting.abort()
      return aborted
    })
    // The issuer has not responded.
    assert.deepEqual(
      [name, issuer.presented, await page.evaluate(() => window.events)],
      ['AbortError', ['r0'], ['signed-in']],
    )
    issuer.release()
    assert.equal(await page.evaluate(() => (window as unknown as { other: Promise<number> }).other), 200)
    assert.deepEqual([(await accessToken(page)).jti, issuer.presented], ['a1', ['r0']])
  }
})
