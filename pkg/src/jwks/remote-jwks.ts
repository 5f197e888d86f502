import { download } from '../http/download.ts'
import { checkTransport } from '../http/plain-http.ts'
import { PortcullisError } from '../errors.ts'
import type { NowMs } from '../timing/clock.ts'
import { SingleFlight } from '../timing/single-flight.ts'
import { MAX_JWKS_BYTES } from './limits.ts'
import { KeyLookupLimiter } from './lookup-limiter.ts'
import type { WaitUntil } from '../types.ts'

/**
 * Why a set was fetched. `poll`: it was due. `lookup`: a token names a key that the set lacks. `demand`: a caller needs
 * the newest set.
 */
export type FetchCause = 'poll' | 'lookup' | 'demand'

/** Installs a fetched JWK set (JSON) until the given last second of use. Throws if it has no usable key. */
type InstallKeys = (json: Uint8Array, usableUntil: number, cause: FetchCause) => void

export interface RemoteJwksOptions {
  url: URL | string
  /** How long a fetched set is used before it is fetched again. */
  maxAgeSeconds: number
  /** Maximum age at which a set is still used if it cannot be fetched again. */
  maxStaleSeconds: number
  /** Maximum time for a fetch. */
  timeoutMs: number
  /** Maximum size of a set. Default 1 MiB. */
  maxBytes?: number
  /** Hosts to which `http:` is allowed: `loopback` (localhost, 127.0.0.0/8, ::1) or `anywhere`. */
  plainHttp: 'loopback' | 'anywhere'
  shareFlights: boolean
  /** The clock by which a set ages. */
  nowMs: NowMs
  fetch: typeof fetch
  /** Called for every failed fetch, including those that no caller waits for. */
  onFailure: (error: unknown, cause: FetchCause) => void
}

/**
 * Fraction of the maximum age from which a set is fetched again in the background, so that no request has to wait at
 * the end.
 */
const AGEING = 0.8
/** The pause after a failed fetch. */
const RETRY_MS = 1000

/**
 * An issuer's JWK set at a URL. It fetches sets and passes them on; the owner decides whether a set is valid. While no
 * new set can be fetched, the old one stays in use until its last second, which the owner enforces.
 */
export class RemoteJwks {
  readonly #options: RemoteJwksOptions
  readonly #url: URL
  /** Fetches for polls and demands. */
  readonly #fetches: SingleFlight
  readonly #lookups: SingleFlight
  readonly #limiter: KeyLookupLimiter
  /** The maximum age, which ends no later than the last second in which a set may be used. */
  readonly #maxAgeMs: number
  #loadedAtMs: number | undefined
  #failedAtMs: number | undefined
  /** Number of `reload` calls, and how many of them preceded the start of a completed fetch. */
  #demands = 0
  #demandsServed = 0
  #closed = false

  /** Throws `invalid_option` for a URL that is not allowed. Does no I/O. */
  constructor(options: RemoteJwksOptions, install: InstallKeys) {
    this.#options = options
    this.#limiter = new KeyLookupLimiter(Infinity, options.nowMs)
    this.#url = new URL(options.url)
    this.#maxAgeMs = Math.min(options.maxAgeSeconds, options.maxStaleSeconds) * 1000
    checkTransport(this.#url, options.plainHttp, 'jwks')
    this.#fetches = new SingleFlight((signal) => this.#fetchSet(signal, install), options)
    this.#lookups = new SingleFlight((signal) => this.#fetchLookup(signal, install), options)
  }

  /**
   * Returns whether the set is past its maximum age and should be fetched before its next use. False after a failed
   * attempt: then the old set stays in use, requests do not wait, and the fetch is retried in the background.
   */
  get due(): boolean {
    return this.#failedAtMs === undefined && this.#ageMs() >= this.#maxAgeMs
  }

  /** Returns whether the set is too young to be fetched again. */
  isYoungAt(nowMs: number): boolean {
    return this.#loadedAtMs !== undefined && nowMs - this.#loadedAtMs < this.#maxAgeMs * AGEING
  }

  /**
   * Fetches the set, or awaits a running fetch. Has no effect with a young set or right after a failure. Rejects with
   * `jwks_unreachable` or `invalid_jwks`.
   */
  async load(): Promise<void> {
    if (!this.#fetches.isRunning && (this.#isPausing || !this.#isAgeing)) return
    await this.#fetches.join()
  }

  /** Fetches the set unless it is young, even right after a failure. Rejects like `load`. */
  async refresh(): Promise<void> {
    if (this.#isAgeing) await this.#fetches.joinNext()
  }

  /** Fetches the set by a fetch that starts after this call, however young the set is. Rejects like `load`. */
  async reload(): Promise<void> {
    this.#demands += 1
    await this.#fetches.joinNext()
  }

  /** Fetches the set as a due poll does, or awaits a running fetch. Rejects like `load`. */
  async poll(): Promise<void> {
    await this.#fetches.join()
  }

  /**
   * Fetches the set by a fetch that starts after this call. The time of the next poll does not change, because senders
   * of tokens must not be able to delay it. Rejects like `load`.
   */
  async fetchForLookup(): Promise<void> {
    await this.#lookups.joinNext()
  }

  /** Fetches the set in the background if it is near its maximum age, or `now`. Failures are only reported. */
  refreshInBackground(waitUntil?: WaitUntil, when: 'if_ageing' | 'now' = 'if_ageing'): void {
    if (this.#isPausing || (when === 'if_ageing' && !this.#isAgeing)) return
    const fetch = this.#fetches.startUnlessRunning()?.catch(() => undefined)
    if (fetch !== undefined) waitUntil?.(fetch)
  }

  /**
   * Fetches the set because a token names a key that it lacks, as often as `KeyLookupLimiter` allows. Returns false if
   * nothing has changed.
   */
  async lookUp(kid: string): Promise<boolean> {
    const fetches = this.#fetches.isRunning ? this.#fetches : this.#lookups
    return this.#limiter.lookUp(kid, fetches.isRunning ? 'running' : 'needed', () => fetches.join())
  }

  /** Aborts running fetches. */
  close(): void {
    this.#closed = true
    this.#fetches.stop()
    this.#lookups.stop()
  }

  async #fetchSet(signal: AbortSignal, install: InstallKeys): Promise<void> {
    const demands = this.#demands
    const cause = demands > this.#demandsServed ? 'demand' : 'poll'
    // Set even if this fetch fails: a later poll must not count as the demand.
    this.#demandsServed = demands
    try {
      await this.#fetch(signal, cause, install)
      this.#loadedAtMs = this.#options.nowMs()
      this.#failedAtMs = undefined
    } catch (error) {
      this.#failedAtMs = this.#options.nowMs()
      throw error
    }
  }

  async #fetchLookup(signal: AbortSignal, install: InstallKeys): Promise<void> {
    const demands = this.#demands
    await this.#fetch(signal, 'lookup', (...fetched) => {
      // If another demand came meanwhile, its set is newer.
      if (demands === this.#demands) install(...fetched)
    })
  }

  async #fetch(signal: AbortSignal, cause: FetchCause, install: InstallKeys): Promise<void> {
    try {
      const { fetch, maxBytes = MAX_JWKS_BYTES } = this.#options
      const headers = { accept: 'application/jwk-set+json, application/json' }
      const { status, bytes } = await download(this.#url, {
        fetch,
        errorCode: 'jwks_unreachable',
        maxBytes,
        signal,
        headers,
      })
      if (status !== 200) {
        throw new PortcullisError(
          'jwks_unreachable',
          `${this.#url.host} responded with ${status} for the JWK set: check the realm's jwks URL`,
          { detail: 'status' },
        )
      }
      if (!isKeySet(bytes)) {
        throw new PortcullisError(
          'invalid_jwks',
          `${this.#url.host} did not return a JWK set: check the realm's jwks URL (jwks_uri in the issuer's discovery document)`,
          { detail: 'not_a_key_set' },
        )
      }
      if (this.#closed) throw new PortcullisError('closed', 'the keys are no longer needed')
      install(bytes, Math.floor(this.#options.nowMs() / 1000) + this.#options.maxStaleSeconds, cause)
    } catch (error) {
      if (!this.#closed) this.#options.onFailure(error, cause)
      throw error
    }
  }

  get #isPausing(): boolean {
    return this.#failedAtMs !== undefined && Math.abs(this.#options.nowMs() - this.#failedAtMs) < RETRY_MS
  }

  get #isAgeing(): boolean {
    return this.#ageMs() >= this.#maxAgeMs * AGEING
  }

  #ageMs(): number {
    return this.#loadedAtMs === undefined ? Infinity : this.#options.nowMs() - this.#loadedAtMs
  }
}

function isKeySet(bytes: Uint8Array): boolean {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return typeof parsed === 'object' && parsed !== null && 'keys' in parsed && Array.isArray(parsed.keys)
  } catch {
    return false
  }
}
