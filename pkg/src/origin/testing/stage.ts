// An origin for one test: a new store, an issuer's key, real HTTP on a free port.

import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import {
  createOrigin,
  generateFeedKey,
  type JWK,
  type Origin,
  type OriginOptions,
  type OriginRealm,
  type OriginReport,
} from '../index.ts'
import { serve, type Server } from '../node/index.ts'
import type { RevocationStore } from '../store/store.ts'
import './load.ts'
import { makeTestStore } from './stores.ts'

export const ISSUER = 'https://issuer.test/realms/acme'

/** An issuer that exists only as a key. */
export interface TestIssuer {
  jwk: JWK
  realm: OriginRealm & { issuer: string }
  /** Returns a valid access token for `api`; `claims` replace claims or, if `undefined`, remove them. */
  token(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
  /** Returns any JWS of the issuer with these claims and this header, besides `alg` and `kid`. */
  sign(claims: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
}

export interface Stage {
  signingKey: JWK
  publicKey: JWK
  issuer: TestIssuer
  origin: Origin
  server: Server
  reports: OriginReport[]
  /** Returns the store with all its data, for an origin that is started after this one was closed. */
  reopenStore(): RevocationStore
  /** Requests a path of the origin. */
  get(path: string, init?: RequestInit): Promise<Response>
  /** POSTs JSON. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>
  /** Sends a request as an administrator of the stage's own issuer; `json` is the body. */
  administer(method: string, path: string, json?: unknown): Promise<Response>
  revoke(token: string): Promise<Response>
  sequence(): number
  close(): Promise<void>
}

export async function openStage(options: Partial<OriginOptions> = {}): Promise<Stage> {
  const { store, reopen } = makeTestStore()
  const { signingKey, publicKey } = await generateFeedKey()
  const issuer = await createTestIssuer()
  const reports: OriginReport[] = []
  const origin = await createOrigin({
    store,
    signingKey,
    realms: [issuer.realm],
    onReport: (report) => reports.push(report),
    ...options,
  })
  const server = await serve(origin, { port: 0 })
  const get = (to: string, init: RequestInit = {}): Promise<Response> => fetch(server.url + to, init)
  const post = (to: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    get(to, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })
  async function administer(method: string, to: string, body?: unknown): Promise<Response> {
    const headers: Record<string, string> = { authorization: `Bearer ${await issuer.token(ADMINISTRATOR)}` }
    if (body === undefined) return get(to, { method, headers })
    return get(to, { method, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) })
  }
  return {
    signingKey,
    publicKey,
    issuer,
    origin,
    server,
    reports,
    reopenStore: reopen,
    get,
    post,
    administer,
    revoke: (token) => post('/v1/auth/token/revoke', { token }),
    sequence: () => origin.status()[0]?.sequence ?? Number.NaN,
    async close() {
      await origin.close()
      await server.close()
    },
  }
}

export async function createTestIssuer(name = 'acme', issuer: string = ISSUER): Promise<TestIssuer> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true })
  const kid = crypto.randomUUID()
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'EdDSA', use: 'sig' } as JWK
  const sign = (claims: Record<string, unknown>, header: Record<string, unknown> = {}): Promise<string> =>
    new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', kid, ...header }).sign(privateKey)
  return {
    sign,
    jwk,
    realm: { name, issuer, audience: 'api', jwks: { keys: [jwk] } },
    async token(claims = {}, header = {}) {
      const now = Math.floor(Date.now() / 1000)
      const good = {
        iss: issuer,
        aud: 'api',
        sub: 'alice',
        sid: 's1',
        azp: 'demo',
        jti: crypto.randomUUID(),
        iat: now,
        exp: now + 300,
        token_use: 'access',
      }
      const all = Object.entries({ ...good, ...claims }).filter(([, value]) => value !== undefined)
      return sign(Object.fromEntries(all), { typ: 'JWT', ...header })
    },
  }
}

/** Claims of an administrator of the realm. */
export const ADMINISTRATOR: { sub: string; realm_access: { roles: string[] } } = {
  sub: 'admin',
  realm_access: { roles: ['portcullis-admin'] },
}

/** Waits until a condition holds. The timeout is long enough for a busy machine. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 30_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not in time: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
