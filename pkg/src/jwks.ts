import { download } from './download.ts'
import { PortcullisError } from './errors.ts'
import { Flight } from './flight.ts'
import { invalid } from './options.ts'
import type { WaitUntil } from './types.ts'

/** Takes a fetched JWK set (JSON) and the last second it may be used. Throws when it has no usable key. */
export type InstallKeys = (json: Uint8Array, usableUntil: number) => void

export interface RemoteKeysOptions {
  url: URL | string
  /** How long a fetched set is used before it is fetched again. */
  maxAgeSeconds: number
  /** How long it is used at the most when it cannot be fetched again. */
  maxStaleSeconds: number
  /** How long a fetch may take. */
  timeoutMs: number
  /** Where `http:` will do: `loopback` (localhost, 127.0.0.0/8, ::1) or `anywhere`. */
  plainHttp: 'loopback' | 'anywhere'
  shareFlights: boolean
  fetch: typeof fetch
}

/** The largest JWK set read. Real ones have a few kilobytes; a set with certificate chains some tens. */
const MAX_JWKS_BYTES = 1024 * 1024
/** From this part of its maximum age on, a set is fetched again behind a request, so that none has to wait at the end. */
const AGEING = 0.8
/** The pause after a failed fetch. */
const RETRY_MS = 1000
/** Fetches for unknown keys: so many at once, and one more for every REFILL_MS. */
const BUCKET_SIZE = 5
const REFILL_MS = 1000
/** How long a key id that was looked for is not looked for again. */
const MISSED_MS = 1000
/** How many such ids are remembered, and how much of each: both are chosen by whoever sends tokens. */
const MAX_MISSED = 256
const MAX_KID_CHARACTERS = 128

/**
 * An issuer's JWK set at a URL. It fetches and hands over; whether a set is good is for the owner to say. While it cannot
 * be fetched the old one serves until its last second, which the owner enforces.
 */
export class RemoteKeys {
  readonly #options: RemoteKeysOptions
  readonly #url: URL
  readonly #flight: Flight
  readonly #missed = new Map<string, number>()
  #loadedAtMs: number | undefined
  #failedAtMs: number | undefined
  #tokens = BUCKET_SIZE
  #refilledAtMs = 0

  /** Throws `invalid_option` for a URL that may not be used. Does no I/O. */
  constructor(options: RemoteKeysOptions, install: InstallKeys) {
    this.#options = options
    this.#url = new URL(options.url)
    if (this.#url.protocol !== 'https:' && options.plainHttp === 'loopback' && !isLoopback(this.#url)) {
      throw invalid(`jwks must be fetched by https: (${this.#url.host} is not this machine); see plainHttp`)
    }
    this.#flight = new Flight((signal) => this.#fetch(signal, install), options)
  }

  /** Whether the set is past its maximum age and should be fetched before it is used again. */
  get due(): boolean {
    return this.#ageMs() >= this.#options.maxAgeSeconds * 1000
  }

  /** Fetches the set, or awaits a fetch under way. Right after a failure it does nothing. Rejects with `jwks_unreachable` or `invalid_jwks`. */
  async load(): Promise<void> {
    if (!this.#flight.underWay && this.#resting) return
    await this.#flight.join()
  }

  /** Fetches the set again behind a request when it is about to reach its maximum age. The promise never rejects. */
  refreshBehind(waitUntil?: WaitUntil): void {
    if (this.#resting || this.#ageMs() < this.#options.maxAgeSeconds * 1000 * AGEING) return
    const flight = this.#flight.behind()?.catch(() => undefined)
    if (flight !== undefined) waitUntil?.(flight)
  }

  /**
   * Fetches the set because a token names a key that is not in it. Garbage and rotation share a token bucket, but any
   * fetch brings every new key, so neither starves the other. Answers false when nothing was fetched; then nothing changed.
   */
  async lookFor(kid: string): Promise<boolean> {
    const id = kid.slice(0, MAX_KID_CHARACTERS)
    if (this.#wasMissed(id)) return false
    if (!this.#flight.underWay && !this.#take()) return false
    try {
      await this.#flight.join()
      return true
    } catch {
      return false
    } finally {
      this.#remember(id)
    }
  }

  /** Ends what is under way. */
  close(): void {
    this.#flight.stop()
  }

  async #fetch(signal: AbortSignal, install: InstallKeys): Promise<void> {
    try {
      const { fetch } = this.#options
      const headers = { accept: 'application/jwk-set+json, application/json' }
      const { status, bytes } = await download(this.#url, { fetch, errorCode: 'jwks_unreachable', maxBytes: MAX_JWKS_BYTES, signal, headers })
      if (status !== 200) {
        throw new PortcullisError('jwks_unreachable', `${this.#url.host} answered ${status} for the JWK set`, { detail: 'status' })
      }
      if (!isKeySet(bytes)) {
        throw new PortcullisError('invalid_jwks', `${this.#url.host} sent something that is no JWK set`, { detail: 'not_a_key_set' })
      }
      install(bytes, Math.floor(Date.now() / 1000) + this.#options.maxStaleSeconds)
      this.#loadedAtMs = Date.now()
      this.#failedAtMs = undefined
    } catch (error) {
      this.#failedAtMs = Date.now()
      throw error
    }
  }

  get #resting(): boolean {
    return this.#failedAtMs !== undefined && Math.abs(Date.now() - this.#failedAtMs) < RETRY_MS
  }

  #ageMs(): number {
    return this.#loadedAtMs === undefined ? Infinity : Date.now() - this.#loadedAtMs
  }

  #take(): boolean {
    const earned = Math.floor((Date.now() - this.#refilledAtMs) / REFILL_MS)
    if (earned > 0) {
      this.#tokens = Math.min(BUCKET_SIZE, this.#tokens + earned)
      this.#refilledAtMs = this.#tokens === BUCKET_SIZE ? Date.now() : this.#refilledAtMs + earned * REFILL_MS
    }
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  #wasMissed(id: string): boolean {
    const at = this.#missed.get(id)
    return at !== undefined && Math.abs(Date.now() - at) < MISSED_MS
  }

  /** Oldest first out: a Map keeps the order of insertion. */
  #remember(id: string): void {
    this.#missed.delete(id)
    this.#missed.set(id, Date.now())
    for (const oldest of this.#missed.keys()) {
      if (this.#missed.size <= MAX_MISSED) break
      this.#missed.delete(oldest)
    }
  }
}

/** Whether a URL can only mean this machine (RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291 §2.5.3). */
export function isLoopback(url: URL): boolean {
  return /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname)
}

function isKeySet(bytes: Uint8Array): boolean {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return typeof parsed === 'object' && parsed !== null && 'keys' in parsed && Array.isArray(parsed.keys)
  } catch {
    return false
  }
}
