// One web origin on loopback with bare pages, and issuers with single-use refresh tokens that record the requests they
// get.

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { BrowserContext, Page } from 'playwright-core'
import type { Session, SessionOptions } from 'portcullis/browser'
import type * as portcullis from 'portcullis/browser'

/** Globals of the pages. */
export interface BarePage {
  portcullis: typeof portcullis
  /** Creates a session in `session` and collects its events in `events`. */
  openSession(options: SessionOptions, storage: PageSession['storage']): void
  session: Session
  events: string[]
}

declare const window: Window & BarePage

export interface Stage {
  url: string
  issuer(name: string): Issuer
  /** Returns a URL that does not respond before `thaw`. `frozen` resolves when a page waits for it. */
  freezer(): { url: string; frozen: Promise<void>; thaw(): void }
  close(): Promise<void>
}

/** Options of a session that can be sent to a page. */
export interface PageSession {
  issuer: Issuer
  clientId?: string
  channel?: string
  refreshBeforeSeconds?: number
  allowedOrigins?: string[]
  storage?: 'never settles' | 'settles after 0.5 s' | 'has tokens after 1.5 s'
}

const SCRIPT = `
import * as portcullis from 'portcullis/browser'
const storages = {
  'never settles': () => new Promise(() => undefined),
  'settles after 0.5 s': () => new Promise((resolve) => setTimeout(resolve, 500)),
  'has tokens after 1.5 s': (value) => new Promise((resolve) => setTimeout(resolve, 1500, value)),
}
function openSession(options, storage) {
  const settle = storages[storage]
  const stored = { accessToken: 'stored', version: 1, login: 1 }
  const slow = settle && { storage: { load: () => settle(stored), save: () => settle(), clear: () => settle() } }
  const session = portcullis.createSession({ ...options, ...slow })
  const events = []
  session.on('signed-in', () => events.push('signed-in'))
  session.on('refreshed', () => events.push('refreshed'))
  session.on('signed-out', (reason) => events.push('signed-out: ' + reason))
  Object.assign(window, { session, events })
}
Object.assign(window, { portcullis, openSession })
`

/** Issues refresh tokens `r0`, `r1`, …. Only the last one is valid; any other counts as reuse. */
export class Issuer {
  readonly url: string
  /** Presented refresh tokens, in order. */
  readonly presented: string[] = []
  readonly revoked: string[] = []
  reused = false
  #current = 0
  #isHolding = false
  #held: (() => void)[] = []
  #arrived: () => void = () => undefined
  #abandoned: () => void = () => undefined

  constructor(url: string) {
    this.url = url
  }

  /** Returns the tokens of a login. */
  tokens(clientId = 'app', expiresInSeconds = 300): portcullis.SessionTokens {
    return { accessToken: this.#accessToken(clientId), refreshToken: `r${this.#current}`, expiresInSeconds }
  }

  /** Holds the responses to refreshes until `release`. Resolves at the first refresh. */
  hold(): Promise<void> {
    this.#isHolding = true
    return new Promise((resolve) => (this.#arrived = resolve))
  }

  /** Resolves when a page has aborted a held refresh, whose token is not spent. */
  abandoned(): Promise<void> {
    return new Promise((resolve) => (this.#abandoned = resolve))
  }

  release(): void {
    this.#isHolding = false
    for (const go of this.#held.splice(0)) go()
  }

  answer(path: string, form: URLSearchParams, response: ServerResponse): void {
    if (path === 'revoke') {
      this.revoked.push(form.get('token') ?? '')
      return void response.writeHead(200).end()
    }
    this.presented.push(form.get('refresh_token') ?? '')
    const go = (): void => {
      const isGood = form.get('refresh_token') === `r${this.#current}`
      this.reused ||= !isGood
      if (isGood) this.#current += 1
      const { accessToken, refreshToken } = this.tokens(form.get('client_id') ?? '')
      const answer = isGood
        ? { access_token: accessToken, refresh_token: refreshToken, expires_in: 300 }
        : { error: 'invalid_grant' }
      response.writeHead(isGood ? 200 : 400, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    }
    if (!this.#isHolding) return go()
    this.#held.push(go)
    response.on('close', () => {
      this.#held = this.#held.filter((each) => each !== go)
      this.#abandoned()
    })
    this.#arrived()
  }

  #accessToken(azp: string): string {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    return `${part({ alg: 'none' })}.${part({ iss: this.url, azp, jti: `a${this.#current}` })}.`
  }
}

export async function openStage(): Promise<Stage> {
  const resolveDir = fileURLToPath(new URL('..', import.meta.url))
  const { outputFiles } = await build({
    stdin: { contents: SCRIPT, resolveDir },
    bundle: true,
    format: 'esm',
    write: false,
  })
  const script = outputFiles[0]?.text ?? ''
  const issuers = new Map<string, Issuer>()
  const freezers = new Map<string, (response: ServerResponse) => void>()
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const [name = '', path = ''] = (request.url ?? '').slice(1).split('/')
    const issuer = issuers.get(name)
    const freeze = freezers.get(name)
    if (freeze !== undefined) return freeze(response)
    if (name === 'page.js') return void response.writeHead(200, { 'content-type': 'text/javascript' }).end(script)
    if (issuer === undefined) {
      return void response
        .writeHead(200, { 'content-type': 'text/html' })
        .end('<!doctype html><script type="module" src="/page.js"></script>')
    }
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => issuer.answer(path, new URLSearchParams(body), response))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    issuer(name) {
      const issuer = new Issuer(`${url}/${name}`)
      issuers.set(name, issuer)
      return issuer
    },
    freezer() {
      const name = `freezer${freezers.size}`
      let thaw = (): void => undefined
      const frozen = new Promise<void>((resolve) => {
        freezers.set(name, (response) => {
          thaw = () => void response.writeHead(200).end()
          resolve()
        })
      })
      return { url: `${url}/${name}`, frozen, thaw: () => thaw() }
    },
    async close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Opens a tab that has loaded the library but has no session yet. */
export async function openTab(context: BrowserContext, stage: Stage): Promise<Page> {
  const page = await context.newPage()
  await page.goto(stage.url)
  await page.waitForFunction(() => 'portcullis' in window)
  return page
}

/** Creates a session in `window.session` and collects its events in `window.events`. */
export async function createSession(page: Page, { issuer, storage, ...more }: PageSession): Promise<Page> {
  const options = {
    tokenUrl: `${issuer.url}/token`,
    revokeUrl: `${issuer.url}/revoke`,
    clientId: 'app',
    allowedOrigins: [],
    ...more,
  }
  await page.evaluate(([options, storage]) => window.openSession(options, storage), [
    options satisfies SessionOptions,
    storage,
  ] as const)
  return page
}

export function signIn(page: Page, tokens: portcullis.SessionTokens): Promise<void> {
  return page.evaluate((tokens) => window.session.signIn(tokens), tokens)
}

/** Requests the access token in a page. Resolves with its `jti`, if any, and how long that took. */
export function accessToken(page: Page): Promise<{ jti: string | undefined; elapsedMs: number }> {
  return page.evaluate(async () => {
    const began = performance.now()
    const token = await window.session.accessToken()
    const jti = token?.includes('.') ? (JSON.parse(atob(token.split('.')[1] ?? '')) as { jti: string }).jti : token
    return { jti, elapsedMs: performance.now() - began }
  })
}

export function waitSignedIn(page: Page): Promise<unknown> {
  return page.waitForFunction(() => window.session.signedIn, undefined, { polling: 10 })
}

export function waitSignedOut(page: Page): Promise<unknown> {
  return page.waitForFunction(() => !window.session.signedIn, undefined, { polling: 10 })
}
