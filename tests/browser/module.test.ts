// The gate's wasm module in a page: a file beside the code or, if that is missing, a copy in the code. Calls wait for
// it.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Browser, Page } from 'playwright-core'
import type { createGate } from 'portcullis/edge'
import { openChromium, skip } from './chromium.ts'

const PACKAGE = new URL('../../pkg/', import.meta.url)
const FILE = '/wasm/edge/core_bg.wasm'
const COPY = '/wasm/edge/embedded.js'
/** The page that a host of single-page apps returns for unknown paths. */
const PAGE = '<!doctype html><title>page</title>'
const TYPES: Record<string, string> = { '.js': 'text/javascript', '.wasm': 'application/wasm' }

/** How the server handles a path instead of serving the package's file. */
type Treatment = 'page' | 'cut' | 'untyped' | 'hold'

let browser: Browser | undefined
let server: Server
let url = ''
let bundle = ''
let asked: string[] = []
let treated: Record<string, Treatment> = {}
let release = (): void => undefined

before(async () => {
  if (skip !== false) return
  browser = await openChromium()
  bundle = await bundled()
  server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://page.example')
    asked.push(pathname)
    void respond(pathname).then(({ type, body }) =>
      body === undefined ? response.destroy() : response.writeHead(200, { 'content-type': type }).end(body),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

after(async () => {
  await browser?.close()
  server?.closeAllConnections()
  server?.close()
})

async function respond(path: string): Promise<{ type: string; body?: string | Uint8Array }> {
  const treatment = treated[path]
  if (path === '/bundle.js') return { type: 'text/javascript', body: bundle }
  if (treatment === 'cut') return { type: '' }
  if (treatment === 'hold') await new Promise<void>((resolve) => (release = resolve))
  const body = treatment === 'page' ? undefined : await readFile(new URL(`.${path}`, PACKAGE)).catch(() => undefined)
  if (body === undefined || path === '/') return { type: 'text/html', body: PAGE }
  return {
    type: treatment === 'untyped' ? 'application/octet-stream' : (TYPES[extname(path)] ?? 'application/octet-stream'),
    body,
  }
}

/** Bundles the entry for browsers into one file with esbuild, without the module's own file. */
async function bundled(): Promise<string> {
  const resolveDir = fileURLToPath(new URL('..', import.meta.url))
  const stdin = { contents: "export { createGate } from 'portcullis/edge'", resolveDir }
  const { outputFiles } = await build({
    stdin,
    bundle: true,
    format: 'iife',
    globalName: 'edge',
    write: false,
    logLevel: 'error',
  })
  return outputFiles[0]?.text ?? ''
}

const FEED = {
  url: 'https://feed.example',
  keys: [{ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }],
}
const OPTIONS = { realms: [{ name: 'acme', issuer: 'https://id.example', audience: 'api', feed: FEED }] }

/** Opens a page with a gate in `window.gate`. */
async function open(treatments: Record<string, Treatment>, code: 'modules' | 'one file' = 'modules'): Promise<Page> {
  treated = treatments
  asked = []
  const page = await (browser as Browser).newPage()
  await page.goto(url)
  if (code === 'one file') await page.addScriptTag({ url: `${url}/bundle.js` })
  await page.evaluate(
    async ([entry, options]) => {
      const scope = window as unknown as {
        edge?: { createGate: typeof createGate }
        gate: ReturnType<typeof createGate>
      }
      const { createGate: make } = scope.edge ?? ((await import(entry)) as { createGate: typeof createGate })
      scope.gate = make(options)
    },
    [`${url}/dist/entry/edge/browser.js`, OPTIONS] as const,
  )
  return page
}

/** Returns the reason or error of a call. */
function ask(page: Page, method: 'check' | 'checkSync'): Promise<string> {
  return page.evaluate(async (method) => {
    const { gate } = window as unknown as { gate: ReturnType<typeof createGate> }
    try {
      const verdict = await gate[method]('a.b.c')
      return verdict.ok ? 'accepted' : verdict.reason
    } catch (error) {
      return `${String((error as { code?: unknown }).code)}: ${(error as Error).message}`
    }
  }, method)
}

test('a page loads the file beside the code and nothing else', { skip }, async () => {
  const served: Record<string, Treatment>[] = [{}, { [FILE]: 'untyped' }]
  for (const treatments of served) {
    const page = await open(treatments)
    assert.equal(await ask(page, 'check'), 'malformed')
    assert.equal(await ask(page, 'checkSync'), 'malformed')
    assert.ok(asked.includes(FILE))
    assert.ok(!asked.includes(COPY))
    await page.close()
  }
})

test('a copy is loaded if the file’s URL returns a page or nothing', { skip }, async () => {
  const lost: Record<string, Treatment>[] = [{ [FILE]: 'page' }, { [FILE]: 'cut' }]
  for (const treatments of lost) {
    const page = await open(treatments)
    assert.equal(await ask(page, 'check'), 'malformed')
    assert.ok(asked.includes(COPY))
    await page.close()
  }
})

test('a single file of esbuild contains the copy', { skip }, async () => {
  const page = await open({}, 'one file')
  assert.equal(await ask(page, 'check'), 'malformed')
  assert.deepEqual(
    asked.filter((path) => path.endsWith('.js')),
    ['/bundle.js'],
  )
  await page.close()
})

test('check waits for the module, and checkSync says what to do', { skip }, async () => {
  const page = await open({ [FILE]: 'hold' })
  assert.match(await ask(page, 'checkSync'), /^not_loaded: .*still loading.* first await /)
  const checked = ask(page, 'check')
  assert.equal(await Promise.race([checked, page.waitForTimeout(100)]), undefined)
  release()
  assert.equal(await checked, 'malformed')
  await page.close()
})

test('if neither is served the error says so, and a later call tries again', { skip }, async () => {
  const page = await open({ [FILE]: 'page', [COPY]: 'page' })
  assert.match(await ask(page, 'check'), /^not_loaded: .* serve all files that the bundler wrote/)
  treated = {}
  assert.equal(await ask(page, 'check'), 'malformed')
  await page.close()
})
