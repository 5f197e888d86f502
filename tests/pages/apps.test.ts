// The console in a real browser: apps of a user, and not-befores of keys.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { claimsOf } from '../../www/demo/client.ts'
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
  show,
  told,
  undo,
} from './desk.ts'
import { assertAccessible, openStage } from './stage.ts'

test('the console: apps and keys', { skip, timeout: 300_000 }, async (t) => {
  const stage = await openStage()
  assert.ok(stage)
  t.after(() => stage.close())
  const { client } = stage

  await t.test('Disconnect ends one app of a user and nothing else, and Undo reverts it', async (t) => {
    const { page, complaints } = await openConsole(t, stage)
    const [phone, other, bob] = [
      await client.logIn('alice', 'backend'),
      await client.logIn('alice'),
      await client.logIn('bob', 'backend'),
    ]
    await open(page, 'alice')
    const apps = page.getByRole('table', { name: 'Apps of alice' })
    await apps.getByRole('row', { name: /backend.*1/ }).waitFor()
    await assertAccessible(page)
    await page.getByRole('button', { name: 'Disconnect backend from alice' }).click()
    const dialog = await asked(page, 'Disconnect backend from alice?')
    await assertAccessible(page)
    await dialog.getByLabel('Reason').fill('lost phone')
    await agree(dialog, 'Disconnect')
    await assertRefused(stage, phone)
    assert.equal((await client.refresh(phone.refresh_token, 'backend')).status, 400)
    for (const lives of [other, bob]) assert.equal((await client.call(lives.access_token)).status, 200)
    await told(page, 'Disconnected backend from alice.')
    // The app stays in the list as disconnected, without a session.
    await apps.getByRole('row', { name: /backend.*0.*20\d\d/ }).waitFor()
    const again = await client.logIn('alice', 'backend')
    assert.equal((await client.call(again.access_token)).status, 200)
    await show(page, 'Audit log')
    await page.getByRole('row', { name: /grant ended.*admin:admin.*alice.*lost phone/ }).waitFor()
    await show(page, 'Corrections')
    await page.getByRole('row', { name: /App disconnected.*alice.*backend.*lost phone/ }).waitFor()
    await undo(page, 'Undo: App disconnected, alice, app backend')
    await assertAccepted(stage, phone)
    await page
      .getByRole('button', { name: 'Undo: App disconnected, alice, app backend' })
      .waitFor({ state: 'detached' })
    assert.deepEqual(complaints, [])
  })

  await t.test('Undo of one app leaves another app of the same user disconnected', async (t) => {
    const { page, complaints } = await openConsole(t, stage)
    const [one, two] = [await client.logIn('bob', 'backend'), await client.logIn('bob')]
    await open(page, 'bob')
    for (const app of ['backend', 'demo']) {
      await page.getByRole('button', { name: `Disconnect ${app} from bob` }).click()
      await agree(await asked(page, `Disconnect ${app} from bob?`), 'Disconnect')
      await told(page, `Disconnected ${app} from bob.`)
    }
    await undo(page, 'Undo: App disconnected, bob, app demo')
    await assertAccepted(stage, two)
    // Waits for the new list.
    await page.getByRole('button', { name: 'Undo: App disconnected, bob, app demo' }).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Undo: App disconnected, bob, app backend' }).waitFor()
    assert.equal((await client.call(one.access_token)).status, 401)
    assert.deepEqual(complaints, [])
  })

  await t.test('disconnecting the current app warns about it and logs out', async (t) => {
    const { page } = await openConsole(t, stage)
    await open(page, 'admin')
    await page.getByRole('button', { name: 'Disconnect demo from admin' }).click()
    const dialog = await asked(page, 'Disconnect demo from admin?')
    await dialog.getByText('You are using this app now, so you will be logged out here, too.').waitFor()
    await agree(dialog, 'Disconnect')
    await page
      .getByText(
        /Disconnected demo from admin\. Enforced on 1 of 1 edge after \d+ ms\. This also ended your own login\./,
      )
      .waitFor()
    await logIn(page)
  })

  await t.test('with an issuer elsewhere, user and app are typed', async (t) => {
    const { page, complaints } = await openConsole(t, stage)
    const login = await client.logIn('alice', 'backend')
    const elsewhere = {
      status: 404,
      json: {
        error: 'not_found',
        error_description: "this realm's issuer is not managed here: use its own administration",
      },
    }
    await page.route(/\/admin\/realms\/acme\/users(?:\/[^/]+\/sessions)?(?:\?.*)?$/, (route) =>
      route.fulfill(elsewhere),
    )
    await page.route(/\/admin\/realms\/acme\/users\/[^/]+\/grants$/, (route) => route.fulfill({ json: [] }))
    await show(page, 'Keys')
    await show(page, 'Users')
    await page.getByText('The issuer keeps its users itself.').waitFor()
    await assertAccessible(page)
    await page.getByLabel('Subject (sub)').fill(String(claimsOf(login.access_token)['sub']))
    await page.getByRole('button', { name: 'Open', exact: true }).click()
    await page.getByText('The issuer keeps them itself, or does not know this user.').waitFor()
    await page.getByText('No apps known').waitFor()
    await assertAccessible(page)
    await page.getByRole('button', { name: 'Disconnect another app' }).click()
    const dialog = await asked(page, /^Disconnect an app from/)
    await agree(dialog, 'Disconnect')
    assert.ok(await dialog.isVisible(), 'without a client nothing is sent')
    await dialog.getByLabel('Client id').fill('backend')
    await agree(dialog, 'Disconnect')
    await assertRefused(stage, login)
    await told(page, /^Done\. Disconnected an app from .*Enforced on 1 of 1 edge/)
    assert.ok(
      complaints.every((text) => text.includes('404')),
      'except for the browser’s message about the 404',
    )
    await page.unrouteAll({ behavior: 'wait' })
  })

  await t.test('a key gets a not-before and stays in use; the not-before is removed', async (t) => {
    const { page, complaints } = await openConsole(t, stage)
    const login = await client.logIn('alice')
    const key = keyOf(login)
    await show(page, 'Keys')
    await page.getByText('ban a key that has leaked').waitFor()
    await page.getByRole('button', { name: `Set not-before: ${key}` }).click()
    const past = await asked(page, 'Refuse tokens that this key signed up to a time?')
    await past.getByText('It does not help against a leaked key').waitFor()
    await assertAccessible(page)
    await past.getByLabel('Issued up to').fill('2026-01-01T00:00:00')
    await agree(past, 'Set not-before')
    await told(page, 'The not-before of the key was set.')
    await page.getByRole('row', { name: new RegExp(`${key}.*Active.*1 Jan 2026`) }).waitFor()
    assert.equal((await client.call(login.access_token)).status, 200)

    await page.getByRole('button', { name: `Set not-before: ${key}` }).click()
    const now = await asked(page, 'Refuse tokens that this key signed up to a time?')
    await now.getByText('you will be logged out here').waitFor()
    await agree(now, 'Set not-before')
    await assertRefused(stage, login)
    await page.getByText(/This also ended your own login\./).waitFor()
    const next = await client.logIn('alice')
    assert.equal(keyOf(next), key)
    assert.equal((await client.call(next.access_token)).status, 200)

    await logIn(page)
    await show(page, 'Keys')
    await page.getByRole('button', { name: `Remove not-before: ${key}` }).click()
    const undone = await asked(page, 'Remove the not-before?')
    await undone.getByLabel('Reason').fill('a test')
    await agree(undone, 'Undo')
    await told(page, 'The not-before was removed.')
    await assertAccepted(stage, login)
    await show(page, 'Audit log')
    await page
      .getByRole('row', { name: /key not before raised.*admin:admin/ })
      .first()
      .waitFor()
    assert.deepEqual(complaints, [])
  })
})
