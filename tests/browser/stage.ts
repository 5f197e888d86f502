// A web app on loopback: one page with portcullis/browser, and the demo's origin and edge behind the same host.

import { once } from 'node:events'
import { createServer, request as send, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Page } from 'playwright-core'
import type { logout, Session } from 'portcullis/browser'
import type * as browser from 'portcullis/browser'
import { Client } from '../../www/demo/client.ts'
import { startEdge } from '../../www/demo/edge.ts'
import { edgeUrl, originUrl } from '../../www/demo/settings.ts'
import { startOrigin } from '../../www/demo/start-origin.ts'
import { openPlace } from '../place.ts'

/** Globals of the page. */
export interface InPage {
  portcullis: typeof browser
  logout: typeof logout
  session: Session
  /** Events of the session, in order. */
  events: string[]
}

export interface App {
  url: string
  client: Client
  /** Returns how often a refresh token was presented. */
  refreshes(): number
  /** Makes requests fail whose path contains `part`. */
  breakDown(part: string): void
  repair(): void
  close(): Promise<void>
}

const HTML = `<!doctype html>
<title>App</title>
<p id="private"></p>
<script type="module" src="/page.js"></script>`

// A single-page app with a session; private content is shown while it is signed in.
const SCRIPT = `
import * as portcullis from 'portcullis/browser'
const client = new URLSearchParams(location.search).get('client') ?? 'demo'
const base = location.origin + '/realms/acme/protocol/openid-connect'
const session = portcullis.createSession({
  tokenUrl: base + '/token', revokeUrl: base + '/revoke', clientId: client, allowedOrigins: [location.origin],
  cookies: client === 'demo-browser' ? 'include' : 'omit',
  clear: { localStorage: ['draft'], indexedDB: ['mail'], caches: ['pages'] },
})
const events = []
const show = (text) => { document.querySelector('#private').textContent = text }
session.on('signed-in', () => { events.push('signed-in'); show('private mail') })
session.on('refreshed', () => events.push('refreshed'))
session.on('signed-out', (reason) => { events.push('signed-out: ' + reason); show('') })
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) requestAnimationFrame(() => events.push('restored: ' + document.querySelector('#private').textContent))
})
Object.assign(window, { portcullis, session, events })
`

export async function openApp(): Promise<App> {
  const place = await openPlace()
  place.children.push(await startOrigin(place))
  place.children.push(await startEdge(place))
  const script = await bundle()
  let refreshes = 0
  let broken: string | undefined
  const server: Server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? '/'
    if (broken !== undefined && path.includes(broken)) return void incoming.socket.destroy()
    if (path.startsWith('/page.js'))
      return void outgoing.writeHead(200, { 'content-type': 'text/javascript' }).end(script)
    if (path.startsWith('/realms/') || path.startsWith('/v1/')) {
      return pass(
        incoming,
        outgoing,
        originUrl(place),
        (body) => (refreshes += Number(body.includes('grant_type=refresh_token'))),
      )
    }
    if (path.startsWith('/api/')) return pass(incoming, outgoing, edgeUrl(place))
    outgoing.writeHead(200, { 'content-type': 'text/html' }).end(HTML)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    client: new Client(place),
    refreshes: () => refreshes,
    breakDown: (part) => void (broken = part),
    repair: () => void (broken = undefined),
    async close() {
      server.closeAllConnections()
      server.close()
      await place.close()
    },
  }
}

/** Opens the page and waits for its session. */
export async function visit(page: Page, url: string): Promise<Page> {
  await page.goto(url)
  await page.waitForFunction(() => 'session' in window)
  return page
}

async function bundle(): Promise<string> {
  const resolveDir = fileURLToPath(new URL('..', import.meta.url))
  const { outputFiles } = await build({
    stdin: { contents: SCRIPT, resolveDir },
    bundle: true,
    format: 'esm',
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}

function pass(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  to: string,
  hear: (body: string) => void = () => undefined,
): void {
  const chunks: Buffer[] = []
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
  incoming.on('end', () => {
    const body = Buffer.concat(chunks)
    hear(body.toString())
    const { host: _, ...headers } = incoming.headers
    const forwarded = send(`${to}${incoming.url}`, { method: incoming.method ?? 'GET', headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    forwarded.on('error', () => outgoing.destroy())
    forwarded.end(body)
  })
}
