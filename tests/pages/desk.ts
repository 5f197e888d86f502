// Drives the console as an administrator would.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { claimsOf, type Login } from '../../www/demo/client.ts'
import { openContext, openPage, type Stage, type Watched } from './stage.ts'

/** Generous bounds for a busy machine; benchmarks measure the time. */
const REFUSED_WITHIN_MS = 10_000
const ACCEPTED_WITHIN_MS = 30_000

/** Opens the console and logs in. */
export async function openConsole(t: TestContext, stage: Stage): Promise<Watched> {
  const watched = await openPage(await openContext(t, stage), `${stage.url}/console`)
  await logIn(watched.page)
  return watched
}

export async function logIn(page: Page): Promise<void> {
  await page.getByLabel('Password').fill('admin-password')
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByText('Logged in as').waitFor()
  await page.locator('.region:not([aria-busy])').first().waitFor()
}

/** Opens a section and waits for its content. */
export async function show(page: Page, section: string): Promise<void> {
  await page.getByRole('link', { name: section, exact: true }).click()
  await page.getByRole('heading', { name: section, exact: true }).waitFor()
  await page.locator('.region:not([aria-busy])').waitFor()
}

/** Opens a user. */
export async function open(page: Page, user: string): Promise<void> {
  await show(page, 'Users')
  await page.getByRole('link', { name: user, exact: true }).click()
  await page.getByRole('heading', { name: 'Sessions' }).waitFor()
}

export async function asked(page: Page, title: string | RegExp): Promise<Locator> {
  const dialog = page.getByRole('dialog', { name: title })
  await dialog.waitFor()
  return dialog
}

export function agree(dialog: Locator, verb: string): Promise<void> {
  return dialog.getByRole('button', { name: verb, exact: true }).click()
}

/** Waits for the message about an action. */
export async function told(page: Page, words: string | RegExp): Promise<void> {
  const all =
    typeof words === 'string' ? new RegExp(`^Done\\. ${words} Enforced on 1 of 1 edge after \\d+ ms\\.$`) : words
  await page.locator('#outcome[role="status"]').getByText(all).waitFor()
}

export async function undo(page: Page, name: string): Promise<void> {
  await show(page, 'Corrections')
  await page.getByRole('button', { name }).click()
  const dialog = await asked(page, /^Undo/)
  await dialog.getByLabel('Reason').fill('a test')
  await agree(dialog, 'Undo')
  await dialog.waitFor({ state: 'detached' })
}

export async function assertRefused({ client }: Stage, { access_token: token }: Login): Promise<void> {
  const { milliseconds } = await client.refused(token)
  assert.ok(milliseconds < REFUSED_WITHIN_MS, `refused only after ${milliseconds} ms`)
}

/** Waits until the edge accepts the token again; a correction reaches it with the next manifest. */
export async function assertAccepted({ client }: Stage, { access_token: token }: Login): Promise<void> {
  const deadline = Date.now() + ACCEPTED_WITHIN_MS
  while ((await client.call(token)).status !== 200)
    assert.ok(Date.now() < deadline, `still refused after ${ACCEPTED_WITHIN_MS} ms`)
}

export function sessionOf({ access_token: token }: Login): string {
  return String(claimsOf(token)['sid'])
}

export function keyOf({ access_token: token }: Login): string {
  return (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid
}
