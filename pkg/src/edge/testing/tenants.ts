import type { TestContext } from 'node:test'
import { SignJWT } from 'jose'
import { generateFeedKey, Ledger } from '../../../wasm/origin/core.js'
import { corePolicy } from '../../policy.ts'
import { TestServer } from '../../test-fixtures/server.ts'
import type { JWK, RealmOptions, Report, RunTimeGateOptions } from '../../types.ts'
import { WIRE_MINOR } from '../feed/protocol.ts'
import { clock, makeKey, type SigningKey } from './realm.ts'

/** A server of many tenants: each has its own issuer, key set and feed, and all sign with the same key. */
export class Tenants {
  readonly server: TestServer
  readonly reports: Report[] = []
  /** The issuers for which the function was called, in order. */
  readonly asked: string[] = []
  /** Results by tenant that replace its usual realm. */
  readonly instead: Map<string, () => unknown> = new Map()
  /** Tenants whose key set is never sent. */
  readonly withoutKeys: Set<string> = new Set()
  readonly feedKey: JWK
  readonly key: SigningKey
  readonly #signingKey: JWK
  readonly #ledgers = new Map<string, Ledger>()
  #number = 0

  private constructor(server: TestServer, key: SigningKey) {
    this.server = server
    this.key = key
    const { signingKey, publicKey } = generateFeedKey()
    this.#signingKey = signingKey
    this.feedKey = publicKey
  }

  static async start(t: TestContext): Promise<Tenants> {
    const server = await TestServer.start(() => undefined)
    t.after(() => server.close())
    const tenants = new Tenants(server, await makeKey('shared'))
    server.listener = (request, response) => {
      const [, , tenant = '', what = '', name = ''] = new URL(request.url ?? '/', 'http://localhost').pathname.split(
        '/',
      )
      if (what === 'certs') {
        if (!tenants.withoutKeys.has(tenant))
          response
            .writeHead(200, { 'content-type': 'application/json' })
            .end(JSON.stringify({ keys: [tenants.key.jwk] }))
        return
      }
      const after = Number(new URL(request.url ?? '/', 'http://localhost').searchParams.get('after'))
      try {
        response
          .writeHead(200, { 'content-type': 'application/octet-stream' })
          .end(tenants.statement(tenant, what, name, after))
      } catch {
        response.writeHead(410).end()
      }
    }
    return tenants
  }

  issuer(tenant: string): string {
    return `${this.server.url}/t/${tenant}`
  }

  realm(tenant: string): RealmOptions {
    const issuer = this.issuer(tenant)
    return {
      name: tenant,
      issuer,
      audience: 'api',
      jwks: `${issuer}/certs`,
      feed: { url: issuer, keys: [this.feedKey] },
    }
  }

  /** Returns the function `realms`. It knows every tenant whose name does not start with `forged`. */
  resolver(): (issuer: string) => RealmOptions | undefined {
    return (issuer) => {
      this.asked.push(issuer)
      const tenant = issuer.slice(this.issuer('').length)
      const instead = this.instead.get(tenant)
      if (instead !== undefined) return instead() as RealmOptions
      return tenant.startsWith('forged') ? undefined : this.realm(tenant)
    }
  }

  options(more: Partial<RunTimeGateOptions> = {}): RunTimeGateOptions {
    return {
      realms: this.resolver(),
      issuers: [`${this.server.url}/t/{tenant}`],
      firstLoadTimeoutMs: 5000,
      refreshTimeoutMs: 5000,
      jwksTimeoutMs: 5000,
      refreshAfterSeconds: 1000,
      waitAfterSeconds: 1000,
      maxStaleSeconds: 1000,
      onReport: (report) => void this.reports.push(report),
      ...more,
    }
  }

  async token(tenant: string, claims: Record<string, unknown> = {}, key: SigningKey = this.key): Promise<string> {
    this.#number += 1
    const now = clock()
    return new SignJWT({
      iss: this.issuer(tenant),
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

  ledger(tenant: string): Ledger {
    const known = this.#ledgers.get(tenant)
    if (known !== undefined) return known
    const policy = corePolicy({ name: tenant, issuer: this.issuer(tenant), audience: 'api' })
    const ledger = new Ledger({
      issuer: this.issuer(tenant),
      signingKey: this.#signingKey,
      leewaySeconds: 5,
      skewSeconds: 5,
      maxLifetimeSeconds: 86_400,
      issuerSkewSeconds: 0,
      errorRate: 1e-6,
      validForSeconds: 300,
      incarnation: 0,
      policy,
    })
    this.#ledgers.set(tenant, ledger)
    return ledger
  }

  /** Makes the tenant's origin lose what it has recorded. */
  lose(tenant: string): void {
    this.#ledgers.delete(tenant)
  }

  record(tenant: string, event: Record<string, unknown>): void {
    this.ledger(tenant).stage(event, clock())
    this.ledger(tenant).commit()
  }

  statement(tenant: string, what: string, name = '', after = 0): Uint8Array<ArrayBuffer> {
    const ledger = this.ledger(tenant)
    if (what === 'deltas') return new Uint8Array(ledger.signedDelta(after, clock(), WIRE_MINOR).bytes)
    if (what === 'sections') return new Uint8Array(ledger.section(name) ?? [])
    return new Uint8Array(ledger.manifest(clock(), WIRE_MINOR))
  }
}
