// The demo with its pages, and a browser that records every error in them.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import axe from 'axe-core'
import type { Browser, BrowserContext, BrowserContextOptions, Page, Request } from 'playwright-core'
import { Client } from '../../www/demo/client.ts'
import { startEdge } from '../../www/demo/edge.ts'
import { originUrl } from '../../www/demo/settings.ts'
import { startOrigin } from '../../www/demo/start-origin.ts'
import { buildPages } from '../../www/pages/build.ts'
import { openChromium } from '../browser/chromium.ts'
import { openPlace, type Stage as Place } from '../place.ts'

export interface Stage {
  place: Place
  client: Client
  browser: Browser
  /** Base URL of the pages, such as `http://127.0.0.1:20123`. */
  url: string
  close(): Promise<void>
}

/** A page with its requests and errors. */
export interface Watched {
  page: Page
  requests: Request[]
  /** Console errors, uncaught errors, and violations of the Content-Security-Policy. */
  complaints: string[]
}

/** Builds the pages and starts the demo and the browser. Returns `undefined` without Chromium. */
export async function openStage(): Promise<Stage | undefined> {
  const browser = await openChromium()
  if (browser === undefined) return undefined
  await buildPages()
  const place = await openPlace()
  const close = async (): Promise<void> => {
    await browser.close()
    await place.close()
  }
  try {
    place.children.push(await startOrigin(place))
    place.children.push(await startEdge(place))
  } catch (error) {
    await close()
    throw error
  }
  return { place, client: new Client(place), browser, url: originUrl(place), close }
}

/** Opens a separate context that is closed with the test. */
export async function openContext(
  t: TestContext,
  { browser }: Stage,
  options: BrowserContextOptions = {},
): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  t.after(() => context.close())
  return context
}

/** Opens a page of the demo and watches it. */
export async function openPage(context: BrowserContext, url: string): Promise<Watched> {
  const page = await context.newPage()
  const watched: Watched = { page, requests: [], complaints: [] }
  page.on('request', (request) => watched.requests.push(request))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') watched.complaints.push(message.text())
  })
  page.on('pageerror', (error) => watched.complaints.push(error.message))
  await page.goto(url)
  return watched
}

/** Checks that the page in its current state violates no rule of axe-core. */
export async function assertAccessible(page: Page): Promise<void> {
  // Evaluated from outside, because the page's own policy would block the script.
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run())
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
  assert.deepEqual(found, [])
}

/** Checks that the page is not wider than its window. */
export async function assertFits(page: Page): Promise<void> {
  const [inside, window] = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement
    return [scrollWidth, clientWidth] as const
  })
  assert.equal(inside, window)
}
