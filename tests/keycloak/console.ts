// Clicks buttons of Keycloak's admin console in Chromium.

import type { Locator, Page } from 'playwright-core'
import { openChromium, skip } from '../browser/chromium.ts'
import type { Realm } from './realm.ts'
import { Skipped } from './row.ts'
import { ADMINISTRATOR } from './server.ts'

const SHOWN_MS = 60_000

interface SessionList {
  /** Signs out the only session in the list by its menu entry. Resolves when Keycloak has responded. */
  signOut(): Promise<void>
  close(): Promise<void>
}

/** Opens the list of a user's sessions. Rejects with `Skipped` without Chromium. */
export async function openSessions(realm: Realm, sub: string): Promise<SessionList> {
  const browser = await openChromium()
  if (browser === undefined) throw new Skipped(String(skip))
  const page = await browser.newPage()
  page.setDefaultTimeout(SHOWN_MS)
  await page.goto(`${realm.url}/admin/master/console/#/${realm.name}/users/${sub}/sessions`)
  await page.fill('#username', ADMINISTRATOR.username)
  await page.fill('#password', ADMINISTRATOR.password)
  await page.click('#kc-login')
  const menu = await menuOf(page)
  return {
    async signOut() {
      const answered = page.waitForResponse((response) => response.request().method() === 'DELETE')
      await menu.click()
      await answered
    },
    close: () => browser.close(),
  }
}

/** Opens the menu of the only row, and returns its only entry. */
async function menuOf(page: Page): Promise<Locator> {
  await page.locator('table tbody tr').first().waitFor()
  // The list is rendered again after each response that it waits for.
  await page.waitForLoadState('networkidle')
  await page.locator('table tbody tr').getByRole('button').last().click()
  const entry = page.getByRole('menuitem', { name: 'Sign out' })
  await entry.waitFor()
  return entry
}
