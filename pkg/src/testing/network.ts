import type { Origin } from '../origin/api.ts'
import type { TestIssuer } from './types.ts'

/** The location of a realm's origin and of the issuer's keys: names that cannot be registered (RFC 6761 §6.2). */
export const ORIGIN_URL = 'https://origin.test'
export const JWKS_URL = 'https://issuer.test/jwks.json'

/** Connects gates with their issuer and origin without a network. */
export class TestNetwork {
  readonly #origin: Origin
  readonly #issuer: TestIssuer
  isCut = false

  constructor(origin: Origin, issuer: TestIssuer) {
    this.#origin = origin
    this.#issuer = issuer
  }

  /** Rejects as `fetch` does for an unreachable host: for all other hosts, and for the origin while it is cut off. */
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    if (request.url === JWKS_URL) return Response.json(this.#issuer.jwks)
    if (!request.url.startsWith(`${ORIGIN_URL}/`)) throw new TypeError('fetch failed: a test realm has no network')
    if (this.isCut) throw new TypeError('fetch failed: the origin is cut off')
    return this.#origin.fetch(request)
  }
}
