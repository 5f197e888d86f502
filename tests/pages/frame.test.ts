// Tests common to all pages: headers, appearance in every mode, and start.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { skip } from '../browser/chromium.ts'
import { assertAccessible, assertFits, openContext, openPage, openStage } from './stage.ts'

const PAGES = ['/', '/try', '/console']

test('the pages', { skip, timeout: 180_000 }, async (t) => {
  const stage = await openStage()
  assert.ok(stage)
  t.after(() => stage.close())

  await t.test('are served under a strict policy, and nothing else is served', async () => {
    const edge = `http://127.0.0.1:${stage.place.edgePort}`
    for (const path of [...PAGES, '/assets/style.css', '/wasm/edge/core_bg.wasm', '/demo.json']) {
      const response: Response = await fetch(`${stage.url}${path}`)
      assert.equal(response.status, 200, path)
      assert.equal(
        response.headers.get('content-security-policy'),
        `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self' ${edge}; ` +
          "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
          "require-trusted-types-for 'script'; trusted-types 'none'",
      )
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
      const etag = response.headers.get('etag') ?? ''
      assert.equal((await fetch(`${stage.url}${path}`, { headers: { 'if-none-match': etag } })).status, 304)
      assert.equal((await fetch(`${stage.url}${path}`, { method: 'POST' })).status, 405)
      const head: Response = await fetch(`${stage.url}${path}`, { method: 'HEAD' })
      assert.equal(head.status, 200)
      assert.equal(await head.text(), '')
    }
    const none = ['/assets/', '/assets/../../../package.json', '/assets/%2e%2e/%2e%2e/package.json', '/playground.html']
    for (const path of none) {
      const response: Response = await fetch(`${stage.url}${path}`)
      assert.equal(response.status, 404, path)
      assert.equal(response.headers.get('content-security-policy'), null, 'the origin returns data, not a page')
    }
    const settings = (await (await fetch(`${stage.url}/demo.json`)).json()) as { feedKeys: Record<string, unknown>[] }
    assert.ok(
      settings.feedKeys.every((key) => !('d' in key)),
      'the private half stays at the origin',
    )
  })

  for (const path of PAGES) {
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [390, 1280]) {
        await t.test(`${path} renders at ${width} px, ${colorScheme}, without errors`, async (t) => {
          const viewport = { width, height: 844 }
          const context = await openContext(t, stage, { colorScheme, viewport, reducedMotion: 'reduce' })
          const { page, complaints } = await openPage(context, `${stage.url}${path}`)
          await page.locator('#page .loading').waitFor({ state: 'detached' })
          await assertAccessible(page)
          await assertFits(page)
          assert.deepEqual(complaints, [])
        })
      }
    }
  }

  await t.test('a script cannot turn text into markup', async (t) => {
    const { page, complaints } = await openPage(await openContext(t, stage), `${stage.url}/`)
    const thrown = await page.evaluate(() => {
      try {
        document.body.innerHTML = '<p>markup</p>'
      } catch (error) {
        return String(error)
      }
      return 'nothing was thrown'
    })
    assert.match(thrown, /^TypeError: .*TrustedHTML/)
    assert.equal(complaints.length, 1, 'a violation of the policy is recorded')
  })

  await t.test('a page that cannot load the settings of its demo reports it and tries again', async (t) => {
    const context = await openContext(t, stage)
    await context.route('**/demo.json', (route) => route.fulfill({ status: 503, json: { error: 'server_error' } }))
    for (const path of PAGES) {
      const { page } = await openPage(context, `${stage.url}${path}`)
      await page.getByText('The response was 503 (server_error).').waitFor()
      await assertAccessible(page)
    }
    await context.unroute('**/demo.json')
    const [page] = context.pages()
    await page?.getByRole('button', { name: 'Try again' }).click()
    await page?.getByLabel('Access token').waitFor()
  })
})
