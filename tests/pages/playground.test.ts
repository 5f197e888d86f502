// The playground in a real browser: correct verdicts, no token sent anywhere, no part of a token interpreted as markup.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { generateKeyPair, SignJWT } from 'jose'
import type { Page } from 'playwright-core'
import { startOrigin } from '../../www/demo/start-origin.ts'
import { skip } from '../browser/chromium.ts'
import { assertAccessible, assertFits, openContext, openPage, openStage, type Stage, type Watched } from './stage.ts'

/** Claims of a hostile token: markup, a script URL, bidirectional overrides, `__proto__`. */
const HOSTILE = {
  '<img src=x onerror=alert(1)>': '</td><script>document.title="taken"</script>',
  __proto__x: 'javascript:alert(1)',
  turned: '\u202Eecila\u202C\u0000',
  long: 'A'.repeat(4000),
}

test('the playground', { skip, timeout: 180_000 }, async (t) => {
  const stage = await openStage()
  assert.ok(stage)
  t.after(() => stage.close())

  await t.test('accepts a valid token, and does not send it anywhere', async (t) => {
    const { client } = stage
    const { access_token: token } = await client.logIn('alice')
    const { page, requests, complaints } = await openPlayground(t, stage)
    await paste(page, `  ${token}\n`)
    await verdict(page, 'Accepted')
    // The feed advances, and the token is judged again.
    const sequence = page.locator('.facts > div', { hasText: 'Sequence' }).locator('dd').first()
    const before = await sequence.textContent()
    await client.revoke((await client.logIn('bob')).access_token)
    const moved = [await sequence.elementHandle(), before] as const
    await page.waitForFunction(([element, text]) => element?.textContent !== text, moved)
    const [, claims = '', signature = ''] = token.split('.')
    for (const request of requests) {
      const sent = [request.url(), request.postData() ?? '', JSON.stringify(await request.allHeaders())].join('\n')
      assert.ok(!sent.includes(claims) && !sent.includes(signature), `${request.url()} carries the token`)
      assert.equal(request.method(), 'GET')
    }
    assert.deepEqual(await outcomes(page, 'failed'), [])
    await page.getByText('The signature is valid: the issuer wrote this.').waitFor()
    await assertAccessible(page)
    assert.deepEqual(complaints, [])
  })

  await t.test('refuses invalid tokens, with cause and fix', async (t) => {
    const { client } = stage
    const { access_token: token } = await client.logIn('bob')
    const { page, complaints } = await openPlayground(t, stage)
    for (const [given, reason, fix] of [
      ['garbage', 'malformed', 'send the token exactly as issued'],
      [`${token}=`, 'malformed', 'send the token exactly as issued'],
      [changed(token), 'bad_signature', 'get a new token'],
      [(await client.logIn('bob', 'demo-long')).access_token, 'lifetime_exceeded', 'raise the bound'],
      [await foreign('https://elsewhere.example', {}), 'wrong_issuer', 'character by character'],
      [await foreign(`${stage.url}/realms/acme`, {}), 'unknown_key', 'publish the key'],
    ] as const) {
      await paste(page, given)
      await verdict(page, 'Refused', reason)
      await page.getByText(fix).waitFor()
      assert.equal((await outcomes(page, 'failed')).length, 1)
    }
    await paste(page, '')
    await page.getByText('No token yet.').waitFor()
    assert.deepEqual(complaints, [])
  })

  await t.test('shows hostile contents as text', async (t) => {
    const { page, complaints } = await openPlayground(t, stage)
    await paste(page, await foreign('https://elsewhere.example', HOSTILE))
    await verdict(page, 'Refused', 'wrong_issuer')
    const claims = page.getByRole('table', { name: 'Claims' })
    assert.ok((await claims.textContent())?.includes('<img src=x onerror=alert(1)>'))
    assert.ok(
      (await claims.textContent())?.includes('\\u202eecila\\u202c\\u0000'),
      'bidirectional overrides are escaped',
    )
    assert.equal(await claims.locator('img, script, a').count(), 0)
    assert.match(await page.title(), /^Playground/)
    await assertFits(page)
    // Longer than a gate accepts; the page stays usable.
    await paste(page, 'A'.repeat(100_000))
    await verdict(page, 'Refused', 'malformed')
    await page.getByText('Too long to show.').waitFor()
    assert.deepEqual(complaints, [])
  })

  for (const [button, user, reason, level] of [
    ['Revoke this token', 'alice', 'token_revoked', 'This token'],
    ['End its session', 'bob', 'session_revoked', 'Session'],
    ['Log the user out everywhere', 'alice', 'user_revoked', 'User'],
    ['Log out all users', 'bob', 'realm_revoked', 'All users'],
  ] as const) {
    await t.test(`${button.toLowerCase()}: the verdict follows the feed`, async (t) => {
      const { page, complaints } = await openPlayground(t, stage)
      await page.getByRole('button', { name: `Log in as ${user}` }).click()
      await verdict(page, 'Accepted')
      // By keyboard.
      await page.getByRole('button', { name: button }).focus()
      await page.keyboard.press('Enter')
      await verdict(page, 'Refused', reason)
      await page.getByText(/Refused in this page \d+ ms after the request to the origin\./).waitFor()
      assert.deepEqual(await outcomes(page, 'failed'), ['Not revoked', level])
      await assertAccessible(page)
      assert.deepEqual(complaints, [])
    })
  }

  await t.test('revokes nothing if another token has replaced it in the meantime', async (t) => {
    const { page, complaints } = await openPlayground(t, stage)
    await page.getByRole('button', { name: 'Log in as bob' }).click()
    await verdict(page, 'Accepted')
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    await page.route('**/token', async (route) => (await held, route.continue()))
    await page.getByRole('button', { name: 'Log out all users' }).click()
    await page.getByText('Sending to the origin…').waitFor()
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.getByText('Sending to the origin…').waitFor({ state: 'detached' })
    const answered = page.waitForResponse('**/token')
    release()
    await (await answered).finished()
    await page.getByRole('button', { name: 'Log in as bob' }).click()
    await verdict(page, 'Accepted')
    assert.equal(await page.getByText('An unexpected error').count(), 0)
    assert.deepEqual(complaints, [])
  })

  await t.test('reports a missing network and a stopped origin', async (t) => {
    const { page } = await openPlayground(t, stage)
    await page.context().setOffline(true)
    await page.getByText('The page shows the last known state.').waitFor()
    await page.getByRole('button', { name: 'Log in as alice' }).click()
    await page.getByRole('alert').getByText('This browser is offline.').waitFor()
    await page.context().setOffline(false)
    await page.getByText('The page shows the last known state.').waitFor({ state: 'detached' })

    await stage.place.children[0]?.stop()
    await page.getByText('silent', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Log in as alice' }).click()
    await page.getByRole('alert').getByText('The demo cannot be reached. Is it still running?').waitFor()
    await assertAccessible(page)
    stage.place.children.push(await startOrigin(stage.place))
    await page.getByText('live', { exact: true }).waitFor()
  })
})

/** Opens the playground and waits until its gate has the feed. */
async function openPlayground(t: TestContext, stage: Stage): Promise<Watched> {
  const watched = await openPage(await openContext(t, stage), `${stage.url}/`)
  await watched.page.getByText('live', { exact: true }).waitFor()
  return watched
}

async function paste(page: Page, token: string): Promise<void> {
  await page.getByLabel('Access token').fill(token)
}

async function verdict(page: Page, word: 'Accepted' | 'Refused', reason = ''): Promise<void> {
  const text = reason === '' ? word : `${word} ${reason}`
  await page.getByRole('region', { name: 'Verdict' }).getByText(text, { exact: true }).waitFor()
}

/** Returns the titles of the checks with this outcome. */
function outcomes(page: Page, outcome: string): Promise<string[]> {
  return page.locator(`.check[data-outcome="${outcome}"] > .check-line > span:first-child`).allTextContents()
}

/** Returns the token with a claim changed after signing. */
function changed(token: string): string {
  const [header, claims = '', signature] = token.split('.')
  const payload = { ...(JSON.parse(Buffer.from(claims, 'base64url').toString()) as object), sub: 'somebody else' }
  return [header, Buffer.from(JSON.stringify(payload)).toString('base64url'), signature].join('.')
}

/** Signs a token with another issuer's key. */
async function foreign(issuer: string, claims: Record<string, unknown>): Promise<string> {
  const { privateKey } = await generateKeyPair('RS256')
  return new SignJWT({ ...claims, iss: issuer, aud: 'api', sub: 'mallory', jti: '1', token_use: 'access' })
    .setProtectedHeader({ alg: 'RS256', kid: 'theirs', typ: 'JWT' })
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(privateKey)
}
