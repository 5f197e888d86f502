import { PortcullisError } from '../../errors.ts'
import { identityOf } from '../../jwks/key-identity.ts'
import { KeyLookupLimiter } from '../../jwks/lookup-limiter.ts'
import { type FetchCause, RemoteJwks } from '../../jwks/remote-jwks.ts'
import { keysSkipped, namingKeys, withKids } from '../../jwks/skipped-keys.ts'
import { isObject } from '../../options.ts'
import type { JWK, JWKS, SkippedKey } from '../../types.ts'
import { canonicalKey } from '../core/issuer-key.ts'
import { host, refusalOf } from '../core/module.ts'
import { KeyLookup } from './key-lookup.ts'
import { KeyRoll } from './key-roll.ts'
import type { WithdrawnKey } from '../core/gate.ts'
import type { RealmSettings, Settings } from '../settings.ts'

/** The URL from which keys of a function are "fetched"; the name cannot be resolved (RFC 6761 §6.4) and never is. */
const FUNCTION_URL = 'https://jwks-function.invalid/'
/** A configured set does not expire. */
const FOR_EVER = Number.MAX_SAFE_INTEGER
/**
 * The maximum number of tokens with unknown keys that wait for a key lookup; further ones are refused at once. Same as
 * at the edges.
 */
const MAX_WAITING_TOKENS = 64

/** The part of the core that holds the keys of one realm. */
export interface KeyTaker {
  /** Stores a JWK set. Throws if it can use no key of it. Only a set from a `url` must not contain secrets. */
  take(json: Uint8Array, usableUntil: number, source: 'configuration' | 'url'): void
  /** Returns the skipped keys of the last set that was read, even if it was refused; without their `kid`. */
  skipped(): readonly SkippedKey[]
}

/** Called with the recently withdrawn keys whenever a set is put into use. */
export type KeysChanged = (withdrawn: readonly WithdrawnKey[]) => void

/** The keys of one realm's issuer: configured, fetched, or returned by a function. */
export class IssuerKeys {
  readonly #realm: RealmSettings
  readonly #settings: Settings
  readonly #core: KeyTaker
  readonly #remote: RemoteJwks | undefined
  readonly #onChange: KeysChanged
  readonly #roll = new KeyRoll()
  readonly #search: KeyLookupLimiter
  readonly #look: KeyLookup
  #installed: { json: Uint8Array; usableUntil: number; source: 'configuration' | 'url' } | undefined
  #current: JWKS = { keys: [] }
  #skipped: readonly SkippedKey[] = []
  /** The keys of the last fetched set that cannot be used. */
  #unusable: ReadonlySet<string> = new Set()
  #failing = false

  /** Does no I/O. Throws `invalid_jwks` for a given set without a usable key. */
  constructor(realm: RealmSettings, settings: Settings, core: KeyTaker, onChange: KeysChanged) {
    this.#onChange = onChange
    this.#realm = realm
    this.#settings = settings
    this.#core = core
    this.#search = new KeyLookupLimiter(MAX_WAITING_TOKENS, settings.nowMs)
    this.#look = new KeyLookup(async () => this.#remote?.fetchForLookup(), settings.nowMs)
    const { jwks } = realm
    if (typeof jwks === 'function')
      this.#remote = this.#fetched(FUNCTION_URL, 'configuration', async () => Response.json(await jwks()))
    else if (typeof jwks === 'string' || jwks instanceof URL) this.#remote = this.#fetched(jwks, 'url', settings.fetch)
    else this.#install(new TextEncoder().encode(JSON.stringify(jwks)), FOR_EVER, 'configuration', 'demand')
  }

  /** The set in use: the keys that verify, in canonical form. */
  get current(): JWKS {
    return this.#current
  }

  /**
   * The keys for the feed: the set in use, and keys that it had before this process until the issuer is known to have
   * dropped them. Empty before the first fetch.
   */
  get forFeed(): JWKS {
    if (this.#installed === undefined) return this.#current
    return { keys: [...this.#current.keys, ...this.#roll.inFeedOnly] }
  }

  /** The skipped keys of the last set that was read. */
  get skipped(): readonly SkippedKey[] {
    return this.#skipped
  }

  /** The keys that the issuer has recently withdrawn. */
  get withdrawn(): readonly WithdrawnKey[] {
    return this.#roll.withdrawn
  }

  /** Adds the keys that the feed had before this process. */
  remember(inFeed: JWKS): void {
    this.#roll.remember(inFeed.keys.map(canonicalKey).filter((key) => key !== undefined))
    // A fixed set counts as fetched now.
    if (this.#remote === undefined) this.#roll.fetched(this.#current.keys, 'demand', this.#settings.nowMs())
  }

  /** Whether the set should be fetched before use. */
  get due(): boolean {
    return this.#remote?.due ?? false
  }

  /** Fetches the set, unless that has just failed. A failure is reported and keeps the old set. */
  async load(): Promise<void> {
    await this.#remote?.load().catch(() => undefined)
  }

  /**
   * Fetches the set now, even if it is recent. Rejects with `jwks_unreachable` or `invalid_jwks`; then the old set
   * stays.
   */
  async reload(): Promise<void> {
    await this.#remote?.reload()
  }

  /** Passes the set in use to a core that has none yet. */
  reinstall(): void {
    if (this.#installed === undefined) return
    const { json, usableUntil, source } = this.#installed
    this.#core.take(json, usableUntil, source)
  }

  /** Fetches the set unless it is recent. Rejects like `reload`, also right after a failure. */
  async refresh(): Promise<void> {
    await this.#remote?.refresh()
  }

  /** Fetches the set as a scheduled poll, even if it is recent. Rejects as `reload`. */
  async poll(): Promise<void> {
    await this.#remote?.poll()
  }

  /** Starts fetching the set in the background if it will soon be due, or to confirm that a key is gone. */
  renewBehind(): void {
    this.#remote?.refreshInBackground(
      undefined,
      this.#roll.pollAgainAtMs <= this.#settings.nowMs() ? 'now' : 'if_ageing',
    )
  }

  /**
   * Looks for keys that are not in the set, by a fetch that begins after this call; one a second for all callers
   * together. Rejects as `reload`, or with `closed`. Keys are only added.
   */
  async look(): Promise<void> {
    if (this.#remote !== undefined) await this.#look.ask()
  }

  /** Looks for a key that a token names, if that is possible at once. Resolves to false if not, or if it failed. */
  async lookFor(kid: string): Promise<boolean> {
    const { state } = this.#look
    if (this.#remote === undefined || state === 'resting') return false
    return this.#search.lookUp(kid, state === 'under_way' ? 'running' : 'needed', () => this.#look.join())
  }

  /** Ends all waits for a key lookup. */
  endLooks(): void {
    this.#look.close()
  }

  close(): void {
    this.endLooks()
    this.#remote?.close()
  }

  #fetched(url: URL | string, source: 'configuration' | 'url', fetch: typeof globalThis.fetch): RemoteJwks {
    const { jwksMaxAgeSeconds, jwksMaxStaleSeconds, jwksTimeoutMs, plainHttp, nowMs } = this.#settings
    const options = {
      url,
      maxAgeSeconds: jwksMaxAgeSeconds,
      maxStaleSeconds: jwksMaxStaleSeconds,
      timeoutMs: jwksTimeoutMs,
      plainHttp,
      shareFlights: host().shareFlights,
      nowMs,
      fetch,
      onFailure: (error: unknown, why: FetchCause) => {
        if (why === 'poll') this.#roll.failed(this.#settings.nowMs())
        this.#report(error instanceof PortcullisError ? error : unreachable(error))
      },
    }
    return new RemoteJwks(options, (json, usableUntil, why) => this.#install(json, usableUntil, source, why))
  }

  #install(json: Uint8Array, usableUntil: number, source: 'configuration' | 'url', why: FetchCause): void {
    const own = (JSON.parse(new TextDecoder().decode(json)) as { keys: unknown[] }).keys
    // Without a new key the core is not called, so tokens with made-up key ids cause no work.
    if (why === 'lookup' && own.length > 0 && own.every((key) => this.#isKnown(key))) return this.#report(undefined)
    const skipped = this.#taken(json, usableUntil, source)
    const usable = this.#usableOf(own, skipped)
    this.#roll.fetched(usable, why, this.#settings.nowMs())
    const kept = this.#roll.kept(usable)
    const keys = [...usable, ...kept]
    // A lookup must not extend the lifetime of keys that it has not seen.
    const until = why === 'lookup' && kept.length > 0 ? (this.#installed?.usableUntil ?? usableUntil) : usableUntil
    const all = kept.length === 0 ? json : new TextEncoder().encode(JSON.stringify({ keys }))
    if (kept.length > 0) this.#core.take(all, until, source)
    this.#installed = { json: all, usableUntil: until, source }
    this.#current = { keys }
    this.#report(undefined)
    this.#reportSkipped(skipped)
    this.#onChange(this.#roll.withdrawn)
  }

  #taken(json: Uint8Array, usableUntil: number, source: 'configuration' | 'url'): readonly SkippedKey[] {
    try {
      this.#core.take(json, usableUntil, source)
    } catch (cause) {
      const error = new PortcullisError('invalid_jwks', `realm ${this.#realm.name}: ${refusalOf(cause)}`, { cause })
      throw namingKeys(error, withKids(this.#core.skipped(), json))
    }
    return withKids(this.#core.skipped(), json)
  }

  /** Returns the keys that the core uses, without duplicates. */
  #usableOf(own: readonly unknown[], skipped: readonly SkippedKey[]): JWK[] {
    const places = new Set(skipped.map(({ index }) => index))
    this.#unusable = new Set(own.filter((_, index) => places.has(index)).map((key) => JSON.stringify(key)))
    const keys = own.filter((_, index) => !places.has(index)).map((key) => canonicalKey(key as JWK))
    return [...new Map(keys.filter((key) => key !== undefined).map((key) => [identityOf(key), key])).values()]
  }

  /** Whether a key of a fetched set is in use or known to be unusable. */
  #isKnown(key: unknown): boolean {
    if (this.#unusable.has(JSON.stringify(key))) return true
    const canonical = isObject(key) ? canonicalKey(key as JWK) : undefined
    return canonical !== undefined && this.#roll.has([canonical])
  }

  /** Reports the skipped keys when the list has changed. */
  #reportSkipped(skipped: readonly SkippedKey[]): void {
    const isNew = JSON.stringify(skipped) !== JSON.stringify(this.#skipped)
    this.#skipped = skipped
    if (isNew && skipped.length > 0)
      this.#settings.onReport({ kind: 'jwks', realm: this.#realm.name, error: keysSkipped(skipped) })
  }

  /** Reports a failure once when it begins and once when it ends. */
  #report(error: PortcullisError | undefined): void {
    if (this.#failing === (error !== undefined)) return
    this.#failing = error !== undefined
    this.#settings.onReport({ kind: 'jwks', realm: this.#realm.name, error })
  }
}

function unreachable(cause: unknown): PortcullisError {
  return new PortcullisError('jwks_unreachable', 'the JWK set is not available', { cause })
}
