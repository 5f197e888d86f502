import { download } from '../http/download.ts'
import { PortcullisError } from '../errors.ts'
import { SingleFlight } from '../timing/single-flight.ts'
import { KeyLookupLimiter } from './lookup-limiter.ts'
import { isLoopback } from '../http/loopback.ts'
import { invalid } from '../options.ts'
import type { WaitUntil } from '../types.ts'

/**
 * Why a set was fetched. `poll`: it was due. `look`: a token named a key that is not in the set at hand. `act`: somebody
 * asked for what the issuer has now.
 */
export type KeyFetch = 'poll' | 'look' | 'act'

/** Takes a fetched JWK set (JSON) and the last second it may be used. Throws when it has no usable key. */
export type InstallKeys = (json: Uint8Array, usableUntil: number, fetch: KeyFetch) => void

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
  /** Hears of every failed fetch, also those that no caller waits for. */
  onFailure: (error: unknown, fetch: KeyFetch) => void
}

/** The largest JWK set read. Real ones have a few kilobytes; a set with certificate chains some tens. */
const MAX_JWKS_BYTES = 1024 * 1024
/** From this part of its maximum age on, a set is fetched again behind a request, so that none has to wait at the end. */
const AGEING = 0.8
/** The pause after a failed fetch. */
const RETRY_MS = 1000
/**
 * An issuer's JWK set at a URL. It fetches and hands over; whether a set is good is for the owner to say. While it cannot
 * be fetched the old one serves until its last second, which the owner enforces.
 */
export class RemoteKeys {
  readonly #options: RemoteKeysOptions
  readonly #url: URL
  readonly #flight: SingleFlight
  readonly #looks: SingleFlight
  readonly #search = new KeyLookupLimiter()
  /** The maximum age, which cannot be beyond the last second that a set may be used. */
  readonly #maxAgeMs: number
  #loadedAtMs: number | undefined
  #failedAtMs: number | undefined
  /** Calls of `reload`, and how many of them the fetches that have ended began after. */
  #acts = 0
  #actsDone = 0
  #closed = false

  /** Throws `invalid_option` for a URL that may not be used. Does no I/O. */
  constructor(options: RemoteKeysOptions, install: InstallKeys) {
    this.#options = options
    this.#url = new URL(options.url)
    this.#maxAgeMs = Math.min(options.maxAgeSeconds, options.maxStaleSeconds) * 1000
    if (this.#url.protocol !== 'https:' && options.plainHttp === 'loopback' && !isLoopback(this.#url)) {
      throw invalid(`jwks must be fetched by https: (${this.#url.host} is not this machine); see plainHttp`)
    }
    this.#flight = new SingleFlight((signal) => this.#pollOrAct(signal, install), options)
    this.#looks = new SingleFlight((signal) => this.#look(signal, install), options)
  }

  /**
   * Whether the set is past its maximum age and should be fetched before it is used again. Not after a failed attempt: then
   * the old set serves, requests do not wait, and further attempts are made behind them.
   */
  get due(): boolean {
    return this.#failedAtMs === undefined && this.#ageMs() >= this.#maxAgeMs
  }

  /** Whether the set need not be fetched again for a while. */
  isYoungAt(nowMs: number): boolean {
    return this.#loadedAtMs !== undefined && nowMs - this.#loadedAtMs < this.#maxAgeMs * AGEING
  }

  /**
   * Fetches the set, or awaits a fetch under way. With a young set, and right after a failure, it does nothing. Rejects with
   * `jwks_unreachable` or `invalid_jwks`.
   */
  async load(): Promise<void> {
    if (!this.#flight.underWay && (this.#resting || !this.#ageing)) return
    await this.#flight.join()
  }

  /** Fetches the set unless it is young. Rejects likewise, also right after a failure. */
  async refresh(): Promise<void> {
    if (this.#ageing) await this.#flight.fresh()
  }

  /** Fetches the set by a fetch that begins after this call, however young it is. Rejects likewise. */
  async reload(): Promise<void> {
    this.#acts += 1
    await this.#flight.fresh()
  }

  /**
   * Fetches the set by a fetch that begins after this call. The next poll stays due when it was: senders of tokens must not
   * put it off. Rejects likewise.
   */
  async look(): Promise<void> {
    await this.#looks.fresh()
  }

  /**
   * Fetches the set again behind a request when it is about to reach its maximum age, or `now`. Failures are only reported.
   */
  refreshBehind(waitUntil?: WaitUntil, when: 'ageing' | 'now' = 'ageing'): void {
    if (this.#resting || (when === 'ageing' && !this.#ageing)) return
    const flight = this.#flight.behind()?.catch(() => undefined)
    if (flight !== undefined) waitUntil?.(flight)
  }

  /** Fetches the set because a token names a key that is not in it, as often as `KeyLookupLimiter` admits. False: nothing has changed. */
  async lookFor(kid: string): Promise<boolean> {
    const flight = this.#flight.underWay ? this.#flight : this.#looks
    if (!this.#search.admits(kid, flight.underWay ? 'under_way' : 'needed')) return false
    try {
      await flight.join()
      return true
    } catch {
      return false
    } finally {
      this.#search.lookedFor(kid)
    }
  }

  /** Ends what is under way. */
  close(): void {
    this.#closed = true
    this.#flight.stop()
    this.#looks.stop()
  }

  async #pollOrAct(signal: AbortSignal, install: InstallKeys): Promise<void> {
    const acts = this.#acts
    const why = acts > this.#actsDone ? 'act' : 'poll'
    // One that fails is over as well: a later poll must not do what was asked for then.
    this.#actsDone = acts
    try {
      await this.#fetch(signal, why, install)
      this.#loadedAtMs = Date.now()
      this.#failedAtMs = undefined
    } catch (error) {
      this.#failedAtMs = Date.now()
      throw error
    }
  }

  async #look(signal: AbortSignal, install: InstallKeys): Promise<void> {
    const acts = this.#acts
    await this.#fetch(signal, 'look', (...fetched) => {
      // The set requested meanwhile is newer.
      if (acts === this.#acts) install(...fetched)
    })
  }

  async #fetch(signal: AbortSignal, why: KeyFetch, install: InstallKeys): Promise<void> {
    try {
      const { fetch } = this.#options
      const headers = { accept: 'application/jwk-set+json, application/json' }
      const { status, bytes } = await download(this.#url, { fetch, errorCode: 'jwks_unreachable', maxBytes: MAX_JWKS_BYTES, signal, headers })
      if (status !== 200) {
        throw new PortcullisError('jwks_unreachable', `${this.#url.host} answered ${status} for the JWK set: check the realm's jwks URL`, { detail: 'status' })
      }
      if (!isKeySet(bytes)) {
        throw new PortcullisError('invalid_jwks', `${this.#url.host} sent something that is no JWK set: check the realm's jwks URL (jwks_uri in the issuer's discovery document)`, { detail: 'not_a_key_set' })
      }
      if (this.#closed) throw new PortcullisError('closed', 'the keys are no longer needed')
      install(bytes, Math.floor(Date.now() / 1000) + this.#options.maxStaleSeconds, why)
    } catch (error) {
      if (!this.#closed) this.#options.onFailure(error, why)
      throw error
    }
  }

  get #resting(): boolean {
    return this.#failedAtMs !== undefined && Math.abs(Date.now() - this.#failedAtMs) < RETRY_MS
  }

  get #ageing(): boolean {
    return this.#ageMs() >= this.#maxAgeMs * AGEING
  }

  #ageMs(): number {
    return this.#loadedAtMs === undefined ? Infinity : Date.now() - this.#loadedAtMs
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
