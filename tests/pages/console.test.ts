// The console in a real browser: every button has its effect, and the edge refuses within a second.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { claimsOf } from '../../www/demo/client.ts'
import { startEdge } from '../../www/demo/edge.ts'
import { startOrigin } from '../../www/demo/start-origin.ts'
import { skip } from '../browser/chromium.ts'
import {
  agree,
  asked,
  assertAccepted,
  assertRefused,
  keyOf,
  logIn,
  open,
  openConsole,
  sessionOf,
  show,
  told,
  undo,
} from './desk.ts'
import { assertAccessible, openContext, openPage, openStage } from './stage.ts'

test('the console', { skip, timeout: 300_000 }, async (t) => {
  const stage = await openStage()
  assert.ok(stage)
  t.after(() => stage.close())
  const { client } = stage

  await t.test('accepts administrators only, and keeps no token', async (t) => {
    const { page, complaints } = await openPage(await openContext(t, stage), `${stage.url}/console`)
    await page.getByLabel('Password').fill('wrong')
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('alert').getByText('The user name or the password is wrong.').waitFor()
    await assertAccessible(page)
    // The browser itself logs the 400.
    assert.equal(complaints.splice(0).length, 1)
    await logIn(page)
    await assertAccessible(page)
    const kept = await page.evaluate(() => [
      document.cookie,
      ...[localStorage, sessionStorage].flatMap((storage) => Object.values(storage)),
    ])
    // The markers of a session contain the URLs of the token endpoint and the issuer, which have dots as well.
    const stored = kept.map((text) => String(text).replaceAll(stage.url, ''))
    assert.deepEqual(
      stored.filter((text) => /\w+\.\w+\./.test(text)),
      [],
      'a token is stored',
    )
    await page.getByRole('button', { name: 'Log out', exact: true }).click()
    await page.getByText('You are logged out.').waitFor()
    await assertAccessible(page)
    await logIn(page)
    await page.reload()
    await page.getByRole('button', { name: 'Log in' }).waitFor()
    assert.deepEqual(complaints, [])
  })

  await t.test('all tabs share one login', async (t) => {
    const { page: first } = await openConsole(t, stage)
    const { page: second, complaints } = await openPage(first.context(), `${stage.url}/console`)
    await second.getByText('Logged in as').waitFor()
    await first.getByRole('button', { name: 'Log out', exact: true }).click()
    await second.getByText('You were logged out in another tab.').waitFor()
    await logIn(second)
    await first.getByText('Logged in as').waitFor()
    assert.deepEqual(complaints, [])
  })

  await t.test('Log out ends one session', async (t) => {
    const { page, complaints } = await openConsole(t, stage)
    const [ended, other] = [await client.logIn('alice'), await client.logIn('alice')]
    await open(page, 'alice')
    await page.getByRole('button', { name: `Log out session ${sessionOf(ended)}` }).click()
    const dialog = await asked(page, 'Log out this session?')
    await assertAccessible(page)
    await dialog.getByLabel('Reason').fill('left the company')
    await agree(dialog, 'Log out')
    await assertRefused(stage, ended)
    assert.equal((await client.call(other.access_token)).status, 200)
    await told(page, 'A session of alice was logged out.')
    await page.getByText(sessionOf(ended), { exact: true }).waitFor({ state: 'detached' })
    await page.getByText(sessionOf(other), { exact: true }).waitFor()
    await show(page, 'Audit log')
    await page.getByRole('row', { name: /session ended.*admin:admin.*left the company/ }).waitFor()
    assert.deepEqual(complaints, [])
  })

  await t.test('Log out everywhere ends all sessions of a user; the next login works', async (t) => {
    const { page, complaints } = await openConsole(t, stage)
    const logins = [await client.logIn('bob'), await client.logIn('bob', 'backend')]
    await page.getByRole('button', { name: 'Log out everywhere: bob' }).click()
    await agree(await asked(page, 'Log out bob everywhere?'), 'Log out everywhere')
    for (const login of logins) await assertRefused(stage, login)
    await told(page, 'bob was logged out everywhere.')
    await open(page, 'bob')
    await page.getByText('bob is not logged in anywhere.').waitFor()
    assert.equal((await client.call((await client.logIn('bob')).access_token)).status, 200)
    assert.deepEqual(complaints, [])
  })

  await t.test('Raise token version refuses older tokens, and Undo reverts it', async (t) => {
    const { page, complaints } = await openConsole(t, stage)
    const login = await client.logIn('alice')
    await open(page, 'alice')
    await page.getByRole('button', { name: 'Raise token version' }).click()
    const dialog = await asked(page, 'Raise the token version of alice?')
    assert.equal(await dialog.getByLabel('Minimum accepted version').inputValue(), '1')
    await agree(dialog, 'Raise token version')
    await assertRefused(stage, login)
    await told(page, 'The token version of alice was raised.')
    await undo(page, 'Undo: Token version raised, alice')
    await assertAccepted(stage, login)
    assert.deepEqual(complaints, [])
  })

  await t.test('Undo needs a reason, and restores the access of a user who was logged out by mistake', async (t) => {
    const { page, complaints } = await openConsole(t, stage)
    const login = await client.logIn('alice')
    await page.getByRole('button', { name: 'Log out everywhere: alice' }).click()
    await agree(await asked(page, 'Log out alice everywhere?'), 'Log out everywhere')
    await assertRefused(stage, login)
    await show(page, 'Corrections')
    await page.getByRole('button', { name: 'Undo: User logged out everywhere, alice' }).click()
    const dialog = await asked(page, /^Undo/)
    await assertAccessible(page)
    await agree(dialog, 'Undo')
    assert.ok(await dialog.isVisible(), 'without a reason nothing is sent')
    assert.equal((await client.call(login.access_token)).status, 401)
    await dialog.getByLabel('Reason').fill('the wrong alice')
    await agree(dialog, 'Undo')
    await told(page, /^Done\. Undone: user logged out everywhere \(alice\)\. Enforced/)
    await assertAccepted(stage, login)
    await page.getByRole('button', { name: 'Undo: User logged out everywhere, alice' }).waitFor({ state: 'detached' })
    await show(page, 'Audit log')
    await page.getByRole('row', { name: /corrected.*the wrong alice/ }).waitFor()
    assert.deepEqual(complaints, [])
  })

  await t.test('keys: Rotate, Ban and Lift ban; Retire', async (t) => {
    const { page, complaints } = await openConsole(t, stage)
    const login = await client.logIn('alice')
    const old = keyOf(login)
    await show(page, 'Keys')
    await page.getByRole('button', { name: `Ban: ${old}` }).click()
    const warned = await asked(page, 'Ban this key?')
    await warned.getByText('It is the last key of the realm.').waitFor()
    await agree(warned, 'Ban')
    assert.ok(await warned.isVisible(), 'the last key needs a tick')
    await warned.getByRole('button', { name: 'Cancel' }).click()

    await page.getByRole('button', { name: 'Rotate' }).click()
    await agree(await asked(page, 'Rotate the signing key?'), 'Rotate')
    await told(page, 'The signing key was rotated.')
    const next = await client.logIn('alice')
    assert.notEqual(keyOf(next), old)
    assert.equal((await client.call(next.access_token)).status, 200)
    assert.equal((await client.call(login.access_token)).status, 200)
    await page.getByRole('row', { name: new RegExp(`${old}.*Passive`) }).waitFor()
    await assertAccessible(page)

    await page.getByRole('button', { name: `Ban: ${old}` }).click()
    const ban = await asked(page, 'Ban this key?')
    await ban.getByText('It signed your own token, so you will be logged out here.').waitFor()
    await agree(ban, 'Ban')
    await assertRefused(stage, login)
    assert.equal((await client.call(next.access_token)).status, 200)
    await page.getByText('This also ended your own login.').waitFor()
    await logIn(page)
    await show(page, 'Keys')
    await page.getByRole('row', { name: new RegExp(`${old}.*Banned`) }).waitFor()
    await page.getByRole('button', { name: `Lift ban: ${old}` }).click()
    const lift = await asked(page, 'Lift the ban?')
    await lift.getByLabel('Reason').fill('it had not leaked')
    await agree(lift, 'Undo')
    await told(page, 'The ban was lifted.')
    await assertAccepted(stage, login)

    await page.getByRole('button', { name: `Retire: ${old}` }).click()
    await agree(await asked(page, 'Retire this key?'), 'Retire')
    await assertRefused(stage, login)
    await told(page, 'The key was retired.')
    await page.getByText(old, { exact: true }).waitFor({ state: 'detached' })
    assert.deepEqual(complaints, [])
  })

  await t.test('reports an unexpected response, and continues', async (t) => {
    const { page, complaints } = await openConsole(t, stage)
    await page.route('**/keys', (route) => route.fulfill({ json: { kind: 'something else' } }))
    await show(page, 'Keys')
    await page.getByRole('alert').getByText('An unexpected error occurred; reload the page.').waitFor()
    await page.unroute('**/keys')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('table', { name: 'Keys' }).waitFor()
    assert.deepEqual(complaints, [])
  })

  await t.test('the audit log is searched and paged', async (t) => {
    for (let login = 0; login < 28; login += 1) await client.logIn('bob')
    const bob = String(claimsOf((await client.logIn('bob')).access_token)['sub'])
    const { page, complaints } = await openConsole(t, stage)
    await show(page, 'Audit log')
    const actions = page.locator('tbody th')
    await page.getByLabel('Action').selectOption({ label: 'login' })
    await page.getByLabel('Actor').fill(`user:${bob}`)
    await page.getByRole('button', { name: 'Search' }).click()
    await page.getByText('Page 1', { exact: true }).waitFor()
    assert.deepEqual([...new Set(await actions.allTextContents())], ['login'])
    assert.equal(await actions.count(), 25)
    await assertAccessible(page)
    await page.getByRole('button', { name: 'Older' }).click()
    await page.getByText('Page 2', { exact: true }).waitFor()
    assert.ok((await actions.count()) >= 4)
    await page.getByRole('button', { name: 'Newer' }).click()
    await page.getByText('Page 1', { exact: true }).waitFor()
    await page.getByLabel('Subject').fill('no one <b>at</b> all')
    await page.getByRole('button', { name: 'Search' }).click()
    await page.getByText('No entry matches all fields.').waitFor()
    assert.equal(await page.getByLabel('Subject').inputValue(), 'no one <b>at</b> all')
    await page.goBack()
    await page.getByText('Page 1', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.waitForURL(/#events$/)
    await page
      .getByRole('row', { name: /^login.*user:admin/ })
      .first()
      .waitFor()
    assert.deepEqual(
      [await page.getByLabel('Action').inputValue(), await page.getByLabel('Actor').inputValue()],
      ['', ''],
    )
    assert.deepEqual(complaints, [])
  })

  await t.test('everything works by keyboard, and Escape changes nothing', async (t) => {
    const { page, complaints } = await openPage(await openContext(t, stage), `${stage.url}/console`)
    await page.getByRole('button', { name: 'Log in' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'alice' }).waitFor()
    const login = await client.logIn('alice')
    const button = page.getByRole('button', { name: 'Log out everywhere: alice' })
    await tabTo(page, button)
    await page.keyboard.press('Enter')
    const dialog = await asked(page, 'Log out alice everywhere?')
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Cancel')
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    assert.ok(await isFocused(button), 'the focus is where it was')
    assert.equal((await client.call(login.access_token)).status, 200)
    await page.keyboard.press('Enter')
    await tabTo(page, (await asked(page, /alice/)).getByRole('button', { name: 'Log out everywhere' }))
    await page.keyboard.press('Enter')
    await assertRefused(stage, login)
    await told(page, 'alice was logged out everywhere.')
    await page.getByRole('row', { name: /alice.*20\d\d/ }).waitFor()
    assert.ok(await isFocused(button), 'also with a new list')
    assert.deepEqual(complaints, [])
  })

  await t.test('fits a phone, light and dark', async (t) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const context = await openContext(t, stage, { viewport: { width: 390, height: 800 }, colorScheme })
      const { page, complaints } = await openPage(context, `${stage.url}/console`)
      await logIn(page)
      for (const section of ['Users', 'Keys', 'Edges', 'Audit log', 'Corrections']) {
        await show(page, section)
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        )
        assert.equal(overflow, 0, `${section} is wider than the screen`)
        await assertAccessible(page)
      }
      assert.deepEqual(complaints, [])
    }
  })

  await t.test('plots its measurements, and follows the edges', async (t) => {
    const { page, complaints } = await openConsole(t, stage)
    const live = page.getByRole('complementary', { name: 'Live' })
    const value = (title: string): Locator => live.locator('figure', { hasText: title }).locator('output')
    await client.revoke((await client.logIn('bob')).access_token)
    // Fetching a manifest builds its filters.
    await (await fetch(`${stage.url}/feed/acme/manifest`)).arrayBuffer()
    await value('Feed age')
      .getByText(/^\d+(\.\d)? s$/)
      .waitFor()
    await value('Filter fill')
      .getByText(/^[1-9]\d*(\.\d+)?\s%$/)
      .waitFor()
    assert.equal(await live.locator('canvas').count(), 3)
    await page.getByRole('button', { name: 'Log out everywhere: bob' }).click()
    await agree(await asked(page, /bob/), 'Log out everywhere')
    await value('Time to enforcement')
      .getByText(/^\d+ ms$/)
      .waitFor()
    await show(page, 'Edges')
    const sequence = await client.originSequence()
    await page.getByRole('row', { name: new RegExp(`edge-1.*Current.*${sequence}`) }).waitFor()
    assert.deepEqual(complaints, [])
  })

  await t.test('Log out all users includes the administrator', async (t) => {
    const { page, complaints } = await openConsole(t, stage)
    const logins = [await client.logIn('alice'), await client.logIn('bob')]
    await page.getByRole('button', { name: 'Log out all users' }).click()
    await agree(await asked(page, 'Log out all users?'), 'Log out all users')
    for (const login of logins) await assertRefused(stage, login)
    await page
      .getByText(/All users were logged out\. Enforced on 1 of 1 edge after \d+ ms\. This also ended your own login\./)
      .waitFor()
    await assertAccessible(page)
    await logIn(page)
    await undo(page, 'Undo: All users logged out, the realm')
    for (const login of logins) await assertAccepted(stage, login)
    assert.deepEqual(complaints, [])
  })

  await t.test('reports that another administrator has ended the login', async (t) => {
    const { page } = await openConsole(t, stage)
    const admin = await client.logIn('admin')
    await client.logOutEverywhere(admin.access_token, String(claimsOf(admin.access_token)['sub']))
    await page.getByRole('link', { name: 'Keys' }).click()
    await page.getByText('Your login was ended. Log in again to continue.').waitFor()
    await assertAccessible(page)
  })

  await t.test('continues with a new token after its own was revoked', async (t) => {
    const { page, requests, complaints } = await openConsole(t, stage)
    const headers = await Promise.all(requests.map((request) => request.allHeaders()))
    const token = headers.flatMap(({ authorization = '' }) => authorization.split('Bearer ').slice(1)).at(-1) ?? ''
    await client.revoke(token)
    await show(page, 'Keys')
    await page.getByRole('table', { name: 'Keys' }).waitFor()
    assert.ok(
      complaints.length > 0 && complaints.every((text) => text.includes('401')),
      'except for the browser’s message about the 401',
    )
  })

  await t.test('names the edge that did not acknowledge', async (t) => {
    const { page } = await openConsole(t, stage)
    await stage.place.children[1]?.stop('SIGKILL')
    await page.getByRole('button', { name: 'Log out everywhere: bob' }).click()
    await agree(await asked(page, /bob/), 'Log out everywhere')
    await told(page, /Enforced on 0 of 1 edge after [\d,]+ ms\. Not acknowledged by edge-1\./)
    await page.getByText('The edge cannot be reached.').waitFor()
    await assertAccessible(page)
    stage.place.children.push(await startEdge(stage.place))
  })

  await t.test('reports a missing network and a stopped origin', async (t) => {
    const { page } = await openConsole(t, stage)
    await page.context().setOffline(true)
    await page.getByText('The page shows the last known state.').waitFor()
    await page.getByRole('button', { name: 'Log out everywhere: bob' }).click()
    const dialog = await asked(page, /bob/)
    await agree(dialog, 'Log out everywhere')
    await dialog.getByRole('alert').getByText('This browser is offline.').waitFor()
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await page.context().setOffline(false)

    await stage.place.children[0]?.stop()
    await page.getByRole('link', { name: 'Keys' }).click()
    await page.getByRole('alert').getByText('The demo cannot be reached. Is it still running?').waitFor()
    await assertAccessible(page)
    stage.place.children.push(await startOrigin(stage.place))
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('table', { name: 'Keys' }).waitFor()
  })
})

/** Presses Tab until the target has the focus. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    if (await isFocused(target)) return
    await page.keyboard.press('Tab')
  }
  assert.fail('the Tab key does not reach it')
}

function isFocused(target: Locator): Promise<boolean> {
  return target.evaluate((element) => element === document.activeElement)
}
