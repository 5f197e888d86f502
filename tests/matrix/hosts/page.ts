// A page in Chromium, served from a folder of files.

import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import { extname, join, normalize } from 'node:path'
import type { Page } from 'playwright-core'
import { openChromium, skip } from '../../browser/chromium.ts'
import { Unavailable, type Running, type Scope } from '../environment.ts'
import type { Stage } from '../stage.ts'

const READY_MS = 15_000
const ANSWER_MS = 15_000

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
}

/** Functions of the page's script that the probe calls. */
interface Asked {
  GATE_OPTIONS: unknown
  ask?: (token: string | undefined, scope: Scope) => Promise<{ status: number; sub?: unknown }>
}

interface PageOptions {
  /** The folder of a static host. */
  folder: string
  /** The only module of the page. Default: the folder has an `index.html`. */
  script?: string
}

/** A policy that allows the page's own files, wasm, and requests to the origin and the issuer. */
const POLICY =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' http://127.0.0.1:*; worker-src 'self'"

/** Serves a folder and opens its page, whose `window.ask` responds to the probe. */
export async function servePage(stage: Stage, options: PageOptions): Promise<Running> {
  const { server, url } = await serveFolder(options, stage.pagePort)
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    server.close()
  }
  return openPage(stage, url, close)
}

/**
 * Opens a page that is already served at the stage's port for pages. `close` stops its server and is also called if the
 * page fails.
 */
export async function openPage(stage: Stage, url: string, close: () => Promise<void>): Promise<Running> {
  const browser = await openChromium().catch(async (error: unknown) => {
    await close()
    throw error
  })
  if (browser === undefined) {
    await close()
    throw new Unavailable(skip === false ? 'Chromium does not start' : skip)
  }
  const problems: string[] = []
  try {
    const page = await browser.newPage()
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text())
    })
    await page.addInitScript(
      (options) => Object.assign(window, { GATE_OPTIONS: options }),
      JSON.parse(stage.gateOptions) as object,
    )
    await page.goto(url)
    await page
      .waitForFunction(() => 'ask' in window, undefined, { timeout: READY_MS })
      .catch((error: unknown) => {
        throw problems.length > 0 ? new Error(problems.join('\n')) : error
      })
    const ask = async (token: string | undefined, scope: Scope = 'read'): Promise<number> => {
      const late = AbortSignal.timeout(ANSWER_MS)
      const silence = once(late, 'abort').then(() =>
        Promise.reject(new Error(`the page does not respond: ${problems.join('; ')}`)),
      )
      return Promise.race([askPage(page, token, scope), silence])
    }
    return { ask, close: async () => void (await Promise.all([browser.close(), close()])) }
  } catch (error) {
    await Promise.all([browser.close(), close()])
    throw error
  }
}

async function askPage(page: Page, token: string | undefined, scope: Scope): Promise<number> {
  const answer = await page.evaluate(([token, scope]) => (window as unknown as Required<Asked>).ask(token, scope), [
    token,
    scope,
  ] as const)
  if (answer.status === 200 && answer.sub !== 'user') throw new Error("200 without the token's subject")
  return answer.status
}

async function serveFolder({ folder, script }: PageOptions, port: number): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://page.example')
    respond(folder, script, pathname, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return { server, url: `http://127.0.0.1:${port}/` }
}

/** Responds like a host of single-page applications, which returns the page for a path without a file. */
async function respond(
  folder: string,
  script: string | undefined,
  path: string,
  response: ServerResponse,
): Promise<void> {
  const file = join(folder, normalize(path))
  const isFile = await stat(file).then(
    (stats) => stats.isFile(),
    () => false,
  )
  const headers = { 'content-security-policy': POLICY }
  if (isFile) {
    response.writeHead(200, { ...headers, 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' })
    createReadStream(file).pipe(response)
    return
  }
  response.writeHead(200, { ...headers, 'content-type': 'text/html' })
  if (script === undefined) createReadStream(join(folder, 'index.html')).pipe(response)
  else response.end(`<!doctype html><title>page</title><script type="module" src="/${script}"></script>`)
}
