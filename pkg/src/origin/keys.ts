import { calculateJwkThumbprint, type JWK as JoseJwk } from 'jose'
import { PortcullisError } from '../errors.ts'
import { RemoteKeys } from '../jwks.ts'
import type { JWK, JWKS } from '../types.ts'
import { host } from './core.ts'
import type { RealmSettings, Settings } from './settings.ts'

/** Where keys from a function are 'fetched' from; the name can't be resolved (RFC 6761 §6.4) and never is. */
const FUNCTION_URL = 'https://jwks-function.invalid/'
/** A set from the configuration does not age. */
const FOR_EVER = Number.MAX_SAFE_INTEGER

/** Takes a JWK set into the core; throws when it has no usable key. Only a set from a `url` may not hold secrets. */
export type TakeKeys = (json: Uint8Array, usableUntil: number, source: 'configuration' | 'url') => void

/** The keys of one realm's issuer: given in the options, fetched, or asked of a function. */
export class IssuerKeys {
  readonly #realm: RealmSettings
  readonly #settings: Settings
  readonly #take: TakeKeys
  readonly #remote: RemoteKeys | undefined
  readonly #onChange: () => void
  #installed: { json: Uint8Array; usableUntil: number; source: 'configuration' | 'url' } | undefined
  #current: JWKS = { keys: [] }
  #failing = false

  /** Does no I/O. `onChange` hears of every set that was fetched. Throws `invalid_jwks` for a given set without a usable key. */
  constructor(realm: RealmSettings, settings: Settings, take: TakeKeys, onChange: () => void) {
    this.#onChange = onChange
    this.#realm = realm
    this.#settings = settings
    this.#take = take
    const { jwks } = realm
    if (typeof jwks === 'function') this.#remote = this.#fetched(FUNCTION_URL, 'configuration', async () => Response.json(await jwks()))
    else if (typeof jwks === 'string' || jwks instanceof URL) this.#remote = this.#fetched(jwks, 'url', settings.fetch)
    else this.#install(new TextEncoder().encode(JSON.stringify(jwks)), FOR_EVER, 'configuration')
  }

  /** The set in use. */
  get current(): JWKS {
    return this.#current
  }

  /** Whether they should be fetched before they are used. */
  get due(): boolean {
    return this.#remote?.due ?? false
  }

  /** Fetches the set, unless that has just failed. A failure is reported and leaves the old one. */
  async load(): Promise<void> {
    await this.#remote?.load().catch(() => undefined)
  }

  /** Asks for the set now, however young it is. Rejects with `jwks_unreachable` or `invalid_jwks`; then the old one stays. */
  async reload(): Promise<void> {
    await this.#remote?.reload()
  }

  /** Gives the set in use to a core that has none yet. */
  reinstall(): void {
    if (this.#installed === undefined) return
    const { json, usableUntil, source } = this.#installed
    this.#take(json, usableUntil, source)
  }

  /** Begins to fetch the set if it soon will be due. */
  renewBehind(): void {
    this.#remote?.refreshBehind()
  }

  /** Fetches the set for a key that is not in it; false when that was not done. */
  async lookFor(kid: string): Promise<boolean> {
    return (await this.#remote?.lookFor(kid)) ?? false
  }

  close(): void {
    this.#remote?.close()
  }

  #fetched(url: URL | string, source: 'configuration' | 'url', fetch: typeof globalThis.fetch): RemoteKeys {
    const { jwksMaxAgeSeconds, jwksMaxStaleSeconds, jwksTimeoutMs, plainHttp } = this.#settings
    const options = {
      url,
      maxAgeSeconds: jwksMaxAgeSeconds,
      maxStaleSeconds: jwksMaxStaleSeconds,
      timeoutMs: jwksTimeoutMs,
      plainHttp,
      shareFlights: host().shareFlights,
      fetch,
      onFailure: (error: unknown) => this.#report(error instanceof PortcullisError ? error : unreachable(error)),
    }
    return new RemoteKeys(options, (json, usableUntil) => this.#install(json, usableUntil, source))
  }

  #install(json: Uint8Array, usableUntil: number, source: 'configuration' | 'url'): void {
    try {
      this.#take(json, usableUntil, source)
    } catch (cause) {
      throw new PortcullisError('invalid_jwks', `realm ${this.#realm.name}: the JWK set has no usable key`, { cause })
    }
    this.#installed = { json, usableUntil, source }
    this.#current = JSON.parse(new TextDecoder().decode(json)) as JWKS
    this.#report(undefined)
    this.#onChange()
  }

  /** Once when it begins to fail and once when it works again. */
  #report(error: PortcullisError | undefined): void {
    if (this.#failing === (error !== undefined)) return
    this.#failing = error !== undefined
    this.#settings.onReport({ kind: 'jwks', realm: this.#realm.name, error })
  }
}

/** A key with its RFC 7638 thumbprint. */
export interface KnownKey {
  jwk: JWK
  kid: string | undefined
  use: string | undefined
  thumbprint: string
}

/** The keys of a set whose members we know. */
export async function knownKeys({ keys }: JWKS): Promise<KnownKey[]> {
  const known = await Promise.all(keys.map(async (jwk) => ({ jwk, kid: jwk.kid, use: jwk.use, thumbprint: await thumbprintOf(jwk) })))
  return known.filter((key): key is KnownKey => key.thumbprint !== undefined)
}

/** The algorithm of a JWK: its own, else the one that its type implies. */
export function algorithmOf({ alg, kty, crv }: JWK, rsaAlgorithm = 'RS256'): string | undefined {
  if (alg !== undefined) return alg
  if (kty === 'RSA') return rsaAlgorithm
  return IMPLIED_ALGORITHMS[crv ?? '']
}

/** By curve (RFC 7518 §3.4, RFC 8037 §3.1). */
const IMPLIED_ALGORITHMS: Readonly<Record<string, string>> = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512', Ed25519: 'EdDSA' }

/** `undefined` for what is no key we know the members of. */
async function thumbprintOf(key: JWK): Promise<string | undefined> {
  try {
    return await calculateJwkThumbprint(key as JoseJwk)
  } catch {
    return undefined
  }
}

function unreachable(cause: unknown): PortcullisError {
  return new PortcullisError('jwks_unreachable', 'the JWK set cannot be had', { cause })
}
