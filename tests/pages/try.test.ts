// The page "Try it" in a real browser: one login for a user's tabs, and its end in all of them and at the edge.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import { startEdge } from '../../www/demo/edge.ts'
import { skip } from '../browser/chromium.ts'
import { assertAccessible, assertFits, openContext, openPage, openStage, type Stage, type Watched } from './stage.ts'

const LOGGED_OUT = 'The origin revoked the tokens, and this browser deleted them'

test('try it', { skip, timeout: 180_000 }, async (t) => {
  const stage = await openStage()
  assert.ok(stage)
  t.after(() => stage.close())

  await t.test('log out here: the user’s tabs follow, another user’s tabs continue', async (t) => {
    const context = await openContext(t, stage)
    const first = await openTry(context, stage)
    const second = await openTry(context, stage)
    const other = await openTry(context, stage)
    await logIn(first.page, 'alice')
    await second.page.getByRole('button', { name: 'Continue as alice' }).click()
    await calledAs(second.page, 'alice')
    await logIn(other.page, 'bob')

    await first.page.getByRole('button', { name: 'Log out here' }).click()
    await journal(first.page, LOGGED_OUT)
    await journal(first.page, /^The edge refuses alice’s old token: \d+ ms after your request$/)
    await journal(second.page, 'You were logged out in another tab.')
    await journal(second.page, /^The edge refuses alice’s old token: \d+ ms after this tab was notified$/)
    for (const { page } of [first, second]) {
      await answered(page, '401 invalid_token')
      await page.getByRole('button', { name: 'Log in', exact: true }).waitFor()
      assert.ok(await page.getByRole('button', { name: 'Call the API' }).isDisabled())
      await assertAccessible(page)
    }
    await other.page.getByRole('button', { name: 'Call the API' }).click()
    await journal(other.page, /^The API returned 200 × 2$/)
    assertQuiet(first, second, other)
  })

  await t.test('log out everywhere: each tab gets a refusal from the edge', async (t) => {
    const [here, elsewhere] = [await openContext(t, stage), await openContext(t, stage)]
    const [first, far] = [await openTry(here, stage), await openTry(elsewhere, stage)]
    await logIn(first.page, 'bob')
    // Another device, which shares nothing with the first.
    await logIn(far.page, 'bob')
    await far.page.getByLabel('Call every second').check()
    await first.page.getByRole('button', { name: 'Log out everywhere' }).click()
    for (const { page } of [first, far]) {
      await journal(page, 'The issuer no longer accepts this login: it was ended elsewhere.')
      await answered(page, '401 invalid_token')
    }
    await journal(first.page, /^The edge refuses bob’s old token: \d+ ms after your request$/)
    // A new login works at once.
    await logIn(first.page, 'bob')
    assertQuiet(first, far)
  })

  await t.test('a login works by keyboard, and a wrong password is reported', async (t) => {
    const phone = await openContext(t, stage, { viewport: { width: 390, height: 844 } })
    const { page, ...watched } = await openTry(phone, stage)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'main', 'the first stop skips to the content')
    await page.keyboard.press('Tab')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Tab')
    await page.keyboard.type('x')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').getByText('The user name or the password is wrong.').waitFor()
    await assertAccessible(page)
    await page.getByLabel('Password').fill('bob-password')
    await page.keyboard.press('Enter')
    await calledAs(page, 'bob')
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'SECTION', 'the focus stays near')
    await assertFits(page)
    await assertAccessible(page)
    assertQuiet({ page, ...watched })
  })

  await t.test('tokens are kept in memory, and go to the edge and the issuer only', async (t) => {
    const { page, requests } = await openTry(await openContext(t, stage), stage)
    await logIn(page, 'alice')
    const stored = await page.evaluate(() => [{ ...localStorage }, { ...sessionStorage }, document.cookie])
    assert.ok(!JSON.stringify(stored).includes('eyJ'))
    const edge = `http://127.0.0.1:${stage.place.edgePort}`
    const carrying = requests.filter((request) => request.headers()['authorization'] !== undefined)
    assert.deepEqual([...new Set(carrying.map((request) => new URL(request.url()).origin))], [edge])
    await page.reload()
    await page.getByRole('button', { name: 'Log in', exact: true }).waitFor()
  })

  await t.test('reports a missing network and a stopped edge', async (t) => {
    const { page } = await openTry(await openContext(t, stage), stage)
    await logIn(page, 'alice')
    await page.context().setOffline(true)
    await page.getByRole('button', { name: 'Call the API' }).click()
    await answered(page, 'No response')
    // The tokens are still deleted.
    await page.getByRole('button', { name: 'Log out here' }).click()
    await journal(page, 'This browser deleted the tokens, but they may not be revoked (offline)')
    await assertAccessible(page)
    await page.context().setOffline(false)

    await logIn(page, 'alice')
    await stage.place.children[1]?.stop()
    await page.getByRole('button', { name: 'Call the API' }).click()
    await page.getByText('The edge cannot be reached. Is the demo still running?').waitFor()
    stage.place.children.push(await startEdge(stage.place))
    await page.getByRole('button', { name: 'Call the API' }).click()
    await answered(page, '200')
  })
})

async function openTry(context: BrowserContext, stage: Stage): Promise<Watched> {
  const watched = await openPage(context, `${stage.url}/try`)
  await watched.page.getByRole('button', { name: 'Log in', exact: true }).waitFor()
  return watched
}

async function logIn(page: Page, user: string): Promise<void> {
  await page.getByLabel(user).check()
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  await calledAs(page, user)
}

/** Checks that the page shows the logged-in user and an accepted API call. */
async function calledAs(page: Page, user: string): Promise<void> {
  await page.getByText(`Logged in as ${user}`).first().waitFor()
  await answered(page, '200')
  await page.getByRole('table', { name: 'Claims that the edge saw' }).getByText(`"${user}"`).waitFor()
}

async function answered(page: Page, word: string): Promise<void> {
  await page.getByRole('region', { name: 'The API at the edge' }).getByText(word, { exact: true }).waitFor()
}

async function journal(page: Page, text: string | RegExp): Promise<void> {
  await page.getByRole('region', { name: 'What happened here' }).getByText(text).first().waitFor()
}

/** Chromium logs each 400 and 401, which are expected on this page; there must be no other messages. */
function assertQuiet(...pages: Watched[]): void {
  const answers = /^Failed to load resource: .* status of 40[01] /
  assert.deepEqual(
    pages.flatMap(({ complaints }) => complaints).filter((text) => !answers.test(text)),
    [],
  )
}
