// A stage: a Keycloak realm, an origin with its connector, and an edge in workerd that gets the origin's pushes.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { KeycloakOptions } from 'portcullis/connectors/keycloak'
import type { Reason, TokenOptions } from 'portcullis/edge'
import { generateFeedKey, type JWK, type OriginRealm } from 'portcullis/origin'
import { Child, freePort, pause } from '../../www/demo/child.ts'
import { serveWorker } from '../../www/demo/workerd.ts'
import { CONSENTING, MOBILE, SILENT, SPA, WEB } from './clients.ts'
import { answerOf, send, type Answer } from './http.ts'
import { logIn } from './login.ts'
import type { OriginSettings } from './origin.ts'
import { ACTOR, createRealm, READER, type Realm } from './realm.ts'
import type { Power, Server } from './server.ts'

/** The origin's sources: all, polls only, or messages from Keycloak only. */
export type Round = 'all' | 'no-push' | 'no-poll'

export const ROUNDS: readonly Round[] = ['all', 'no-push', 'no-poll']

/** Options in which a row's stage differs. */
export interface StageOptions {
  /** Options of the connector. */
  connector?: Partial<KeycloakOptions>
  /** Options of the realm, at origin and edge. */
  tokens?: Partial<TokenOptions>
  /** The longest `exp - iat`, at origin and edge. */
  maxLifetimeSeconds?: number
  /** Members of the realm's representation at Keycloak, such as `{ revokeRefreshToken: true }`. */
  realm?: object
}

export interface Stage {
  readonly round: Round
  readonly server: Server
  readonly realm: Realm
  readonly originUrl: string
  readonly edgeUrl: string
  /** The origin's feed, for a test's own gate. */
  readonly feed: { url: string; keys: JWK[] }
  /** The origin's process, which can be killed and restarted with its database. */
  readonly origin: Power & { readonly pid: number; reconfigure(realm: Partial<OriginRealm>): Promise<void> }
  /** Returns the edge's verdict on a request with the token. */
  call(token: string): Promise<Verdict>
  /**
   * Logs in as `root` and returns a function that calls the origin's admin routes, such as `POST users/{id}/logout`.
   */
  administrator(): Promise<Administer>
  /** Returns the origin's `/metrics`. */
  metrics(): Promise<string>
  /** Returns the origin's latest reports, one line of JSON each. */
  reports(): string
  close(): Promise<void>
}

export type Administer = (method: string, path: string, body?: unknown) => Promise<Answer>

export type Verdict = { ok: true; impersonatedBy?: { sub?: string } } | { ok: false; reason: Reason }

const EDGE = 'edge-1'
const LOADED_SECONDS = 30
/** Long enough that an act which Keycloak carries out is not `queued` on a busy machine. */
const UPSTREAM_MS = 25_000
/** Longer than any run. */
const NEVER_MS = 2 ** 31 - 1

export async function openStage(server: Server, round: Round, options: StageOptions = {}): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-stage-'))
  const [originPort, edgePort, closedPort] = [await freePort(), await freePort(), await freePort()]
  const originUrl = `http://127.0.0.1:${originPort}`
  const edgeUrl = `http://127.0.0.1:${edgePort}`
  const heardAt = round === 'no-push' ? `http://127.0.0.1:${closedPort}` : originUrl
  const realm = await createRealm(server, {
    receivers: `${heardAt}/realms/{realm}`,
    ...(options.realm === undefined ? {} : { settings: options.realm }),
  })
  const { signingKey, publicKey } = await generateFeedKey()
  const tokens: TokenOptions = {
    name: realm.name,
    issuer: realm.issuer,
    audience: 'api',
    profile: 'keycloak',
    ...options.tokens,
  }
  const lifetime = options.maxLifetimeSeconds === undefined ? {} : { maxLifetimeSeconds: options.maxLifetimeSeconds }
  const secret = 'secret of the edge'
  const settings: OriginSettings = {
    port: originPort,
    path: join(folder, 'portcullis.db'),
    signingKey,
    // Origin and Keycloak share a clock.
    realm: { ...tokens, jwks: `${realm.issuer}/protocol/openid-connect/certs`, issuerSkewSeconds: 0, ...lifetime },
    clients: [WEB, MOBILE, SPA, SILENT, CONSENTING].map(({ id, secret }) =>
      secret === undefined ? { id } : { id, secret },
    ),
    edge: { name: EDGE, pushUrl: `${edgeUrl}/portcullis/feed`, ackSecret: secret },
    keycloak: {
      baseUrl: server.url,
      realm: realm.name,
      actingAccount: ACTOR,
      upstreamTimeoutMs: UPSTREAM_MS,
      ...sources(round),
      ...options.connector,
    },
  }
  const origin = new OriginProcess(settings, originUrl)
  const feed = { url: `${originUrl}/feed/${realm.name}`, keys: [publicKey] }
  // The edge starts first, so that the origin's first push reaches it.
  const edge = await serveWorker({
    name: 'edge worker',
    entry: fileURLToPath(new URL('worker.ts', import.meta.url)),
    folder: join(folder, 'edge'),
    port: edgePort,
    bindings: {
      GATE: JSON.stringify({
        realms: [{ ...tokens, feed: { ...feed, acknowledge: { edge: EDGE, secret } } }],
        ...lifetime,
      }),
    },
    readyPath: '/portcullis/status',
  })
  const close = async (): Promise<void> => {
    await Promise.all([origin.cut(), edge.stop('SIGKILL')])
    await rm(folder, { recursive: true, force: true })
    await realm.remove()
  }
  try {
    await origin.restore()
    await loaded(edgeUrl)
  } catch (error) {
    await close()
    throw error
  }
  return {
    round,
    server,
    realm,
    originUrl,
    edgeUrl,
    feed,
    origin,
    async call(token) {
      const { status, text } = await answerOf(
        await send(`${edgeUrl}/api`, { headers: { authorization: `Bearer ${token}` } }),
      )
      const members: unknown = JSON.parse(text)
      return status === 200 ? { ok: true, ...(members as object) } : { ok: false, ...(members as { reason: Reason }) }
    },
    async administrator() {
      const { accessToken } = await logIn(realm, 'root', WEB)
      const headers = { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' }
      return async (method, path, body) =>
        answerOf(
          await send(`${originUrl}/admin/realms/${realm.name}/${path}`, {
            method,
            headers,
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          }),
        )
    },
    metrics: async () => (await answerOf(await send(`${originUrl}/metrics`))).text,
    reports: () => origin.output,
    close,
  }
}

/** Waits for the edge's first state; without one it refuses all tokens. */
async function loaded(edgeUrl: string): Promise<void> {
  const deadline = Date.now() + LOADED_SECONDS * 1000
  while (Date.now() < deadline) {
    const [realm] = JSON.parse((await answerOf(await send(`${edgeUrl}/portcullis/status`))).text) as {
      loaded: boolean
    }[]
    if (realm?.loaded === true) return
    await pause(50)
  }
  throw new Error(`the edge has no state after ${LOADED_SECONDS} s`)
}

/** Returns the connector options of a round. */
function sources(round: Round): Partial<KeycloakOptions> {
  switch (round) {
    case 'all':
    case 'no-push':
      return { serviceAccount: READER }
    case 'no-poll':
      return { notBeforeIntervalMs: NEVER_MS, keysIntervalMs: NEVER_MS }
  }
}

class OriginProcess implements Power {
  #settings: OriginSettings
  readonly #url: string
  #child: Child | undefined

  constructor(settings: OriginSettings, url: string) {
    this.#settings = settings
    this.#url = url
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  get output(): string {
    return this.#child?.output ?? ''
  }

  async restore(): Promise<void> {
    const entry = fileURLToPath(new URL('origin.ts', import.meta.url))
    const environment = { PORTCULLIS_STAGE: JSON.stringify(this.#settings) }
    this.#child = new Child('origin', process.execPath, ['--import', import.meta.resolve('tsx'), entry], environment)
    await this.#child.ready(`${this.#url}/healthz`)
  }

  async cut(): Promise<void> {
    await this.#child?.stop('SIGKILL')
  }

  /** Restarts it with other options of its realm. */
  async reconfigure(realm: Partial<OriginRealm>): Promise<void> {
    await this.cut()
    this.#settings = { ...this.#settings, realm: { ...this.#settings.realm, ...realm } }
    await this.restore()
  }
}
