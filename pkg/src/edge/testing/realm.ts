import { readFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { exportJWK, generateKeyPair, type CryptoKey, type JWK as JoseKey, SignJWT } from 'jose'
import { generateFeedKey, initSync, Ledger } from '../../../wasm/origin/core.js'
import { corePolicy } from '../../policy.ts'
import { json, type Listener, TestServer } from '../../test-fixtures/server.ts'
import type { GateOptions, JWK, RealmOptions, Report, TokenOptions } from '../../types.ts'
import { WIRE_MINOR } from '../feed/protocol.ts'

initSync({
  module: new WebAssembly.Module(readFileSync(new URL('../../../wasm/origin/core_bg.wasm', import.meta.url))),
})

/** Returns unix seconds. */
export function clock(): number {
  return Math.floor(Date.now() / 1000)
}

export interface SigningKey {
  kid: string
  privateKey: CryptoKey
  jwk: JoseKey
}

/** The options in the origin's policy that replace the usual ones; `not_stated`: it states no policy. */
export type StatedPolicy = Partial<TokenOptions> | 'not_stated'

/** An issuer whose tokens jose signs, and its feed: a real ledger behind a real HTTP server. */
export class TestRealm {
  readonly name: string
  readonly issuer: string
  readonly server: TestServer
  ledger: Ledger
  readonly feedKey: JWK
  /** Signs the feed. */
  readonly signingKey: JWK
  readonly keys: SigningKey[]
  readonly reports: Report[] = []
  readonly acknowledged: unknown[] = []
  /**
   * Listeners that replace the origin, by the last part of the path: `manifest`, `deltas`, `sections`, `stream`,
   * `certs`.
   */
  readonly instead: Map<string, Listener> = new Map()
  /** Age of the origin's statements by their own time. */
  statedSecondsAgo = 0
  /** The minor version of the origin, the newest form that it sends. */
  minor: number = WIRE_MINOR
  #number = 0
  #incarnation = 0

  private constructor(
    name: string,
    server: TestServer,
    keys: SigningKey[],
    feed: { signingKey: JWK; publicKey: JWK },
    policy: StatedPolicy,
  ) {
    this.name = name
    this.issuer = `https://issuer.example/realms/${name}`
    this.server = server
    this.keys = keys
    this.feedKey = feed.publicKey
    this.signingKey = feed.signingKey
    this.ledger = this.#openLedger(policy)
  }

  static async start(t: TestContext, name = 'acme', policy: StatedPolicy = {}): Promise<TestRealm> {
    const server = await TestServer.start(() => undefined)
    t.after(() => server.close())
    const realm = new TestRealm(name, server, [await makeKey('first')], generateFeedKey(), policy)
    server.listener = (request, response) => realm.#answer(request, response)
    return realm
  }

  /** Restarts the origin with another policy and an empty ledger. */
  restart(policy: StatedPolicy): void {
    this.#incarnation += 1
    this.ledger = this.#openLedger(policy)
  }

  get feedUrl(): string {
    return `${this.server.url}/feed/${this.name}`
  }

  get jwks(): { keys: JWK[] } {
    return { keys: this.keys.map((key) => key.jwk as JWK) }
  }

  realmOptions(more: Partial<RealmOptions> = {}): RealmOptions {
    return {
      name: this.name,
      issuer: this.issuer,
      audience: 'api',
      jwks: this.jwks,
      feed: { url: this.feedUrl, keys: [this.feedKey] },
      ...more,
    }
  }

  /**
   * Returns a gate's options; its reports are recorded. Waits are long, so that a busy machine fails no test; a test of
   * waiting sets its own.
   */
  options(
    more: Partial<GateOptions> = {},
    realm: Partial<RealmOptions> = {},
  ): GateOptions & { realms: RealmOptions[] } {
    const onReport = (report: Report) => void this.reports.push(report)
    return {
      realms: [this.realmOptions(realm)],
      firstLoadTimeoutMs: 5000,
      refreshTimeoutMs: 5000,
      jwksTimeoutMs: 5000,
      onReport,
      ...more,
    } as GateOptions & { realms: RealmOptions[] }
  }

  async token(claims: Record<string, unknown> = {}, key: SigningKey | undefined = this.keys[0]): Promise<string> {
    if (key === undefined) throw new Error('no key')
    this.#number += 1
    const now = clock()
    return new SignJWT({
      iss: this.issuer,
      aud: 'api',
      sub: 'alice',
      jti: `token-${this.#number}`,
      iat: now - 10,
      exp: now + 600,
      token_use: 'access',
      ...claims,
    })
      .setProtectedHeader({ alg: 'ES256', kid: key.kid, typ: 'JWT' })
      .sign(key.privateKey)
  }

  async rotate(kid: string): Promise<SigningKey> {
    const key = await makeKey(kid)
    this.keys.push(key)
    return key
  }

  /** Records an event and commits it. */
  record(event: Record<string, unknown>): void {
    this.ledger.stage(event, clock())
    this.ledger.commit()
  }

  /** Returns a manifest in the form for readers of a minor version. */
  manifest(minor: number = WIRE_MINOR): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.ledger.manifest(clock() - this.statedSecondsAgo, Math.min(minor, this.minor)))
  }

  delta(after: number, minor: number = WIRE_MINOR): Uint8Array<ArrayBuffer> {
    return new Uint8Array(
      this.ledger.signedDelta(after, clock() - this.statedSecondsAgo, Math.min(minor, this.minor)).bytes,
    )
  }

  #openLedger(policy: StatedPolicy): Ledger {
    return new Ledger({
      issuer: this.issuer,
      signingKey: this.signingKey,
      leewaySeconds: 5,
      skewSeconds: 5,
      maxLifetimeSeconds: 86_400,
      issuerSkewSeconds: 0,
      errorRate: 1e-6,
      validForSeconds: 300,
      incarnation: this.#incarnation,
      ...(policy === 'not_stated'
        ? {}
        : { policy: corePolicy({ name: this.name, issuer: this.issuer, audience: 'api', ...policy }) }),
    })
  }

  #answer(...[request, response]: Parameters<Listener>): void {
    const url = new URL(request.url ?? '/', 'http://localhost')
    const [, kind = '', , what = kind, name = ''] = url.pathname.split('/')
    const instead = this.instead.get(what)
    if (instead !== undefined) return instead(request, response)
    if (what === 'certs') return json(this.jwks)(request, response)
    if (what === 'acks') {
      request.on('data', (bytes) =>
        this.acknowledged.push({ ...JSON.parse(String(bytes)), authorization: request.headers.authorization }),
      )
      request.on('end', () => response.writeHead(204).end())
      return
    }
    const bytes = this.#statement(
      what,
      name,
      Number(url.searchParams.get('after')),
      Number(url.searchParams.get('minor')),
    )
    if (typeof bytes === 'number') response.writeHead(bytes, { 'content-type': 'application/json' }).end('{}')
    else response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(bytes)
  }

  #statement(what: string, name: string, after: number, minor: number): Uint8Array | number {
    try {
      if (what === 'manifest') return this.manifest(minor)
      if (what === 'deltas') return this.delta(after, minor)
      return (what === 'sections' ? this.ledger.section(name) : undefined) ?? 404
    } catch {
      return 410
    }
  }
}

export async function makeKey(kid: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } }
}
