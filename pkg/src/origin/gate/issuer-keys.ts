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

/** Where keys from a function are 'fetched' from; the name can't be resolved (RFC 6761 §6.4) and never is. */
const FUNCTION_URL = 'https://jwks-function.invalid/'
/** A set from the configuration does not age. */
const FOR_EVER = Number.MAX_SAFE_INTEGER
/** Tokens with unknown keys that wait for a look at the same time; others are refused at once. As at the edges. */
const MAX_WAITING_TOKENS = 64

/** The part of the core that has the keys of one realm. */
export interface KeyTaker {
  /** Takes a JWK set. Throws when it can use no key of it. Only a set from a `url` may not hold secrets. */
  take(json: Uint8Array, usableUntil: number, source: 'configuration' | 'url'): void
  /** Returns the skipped keys of the set that was read last, also of a refused set; without their `kid`. */
  skipped(): readonly SkippedKey[]
}

/** Called with every set that is taken into use, and the keys that have been withdrawn lately. */
export type KeysChanged = (withdrawn: readonly WithdrawnKey[]) => void

/** The keys of one realm's issuer: given in the options, fetched, or asked of a function. */
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
  /** The keys of the set fetched last that are not used. */
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

  /** The set in use: the keys that verify, each in one spelling. */
  get current(): JWKS {
    return this.#current
  }

  /**
   * The keys that the feed is to carry: the set in use, and keys that it has had since before this process, until the
   * issuer is known to have them no more. Empty before the first fetch.
   */
  get forFeed(): JWKS {
    if (this.#installed === undefined) return this.#current
    return { keys: [...this.#current.keys, ...this.#roll.inFeedOnly] }
  }

  /** The skipped keys of the set that was read last. */
  get skipped(): readonly SkippedKey[] {
    return this.#skipped
  }

  /** Keys that the issuer has withdrawn lately. */
  get withdrawn(): readonly WithdrawnKey[] {
    return this.#roll.withdrawn
  }

  /** Adds the keys that the feed has from before this process. */
  remember(inFeed: JWKS): void {
    this.#roll.remember(inFeed.keys.map(canonicalKey).filter((key) => key !== undefined))
    // A fixed set counts as fetched now.
    if (this.#remote === undefined) this.#roll.fetched(this.#current.keys, 'demand', this.#settings.nowMs())
  }

  /** Whether they should be fetched before they are used. */
  get due(): boolean {
    return this.#remote?.due ?? false
  }

  /** Fetches the set, unless that has just failed. A failure is reported and leaves the old one. */
  async load(): Promise<void> {
    await this.#remote?.load().catch(() => undefined)
  }

  /**
   * Fetches the set now, however fresh it is. Rejects with `jwks_unreachable` or `invalid_jwks`; then the old one
   * stays.
   */
  async reload(): Promise<void> {
    await this.#remote?.reload()
  }

  /** Gives the set in use to a core that has none yet. */
  reinstall(): void {
    if (this.#installed === undefined) return
    const { json, usableUntil, source } = this.#installed
    this.#core.take(json, usableUntil, source)
  }

  /** Fetches the set unless it is young. Rejects likewise, also right after a failure. */
  async refresh(): Promise<void> {
    await this.#remote?.refresh()
  }

  /** Fetches the set as a scheduled poll, however fresh it is. Rejects as `reload`. */
  async poll(): Promise<void> {
    await this.#remote?.poll()
  }

  /** Begins to fetch the set if it soon will be due, or to confirm that a key is gone. */
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

  /** Looks for a key that a token names, if that can be done at once; false when it was not, or failed. */
  async lookFor(kid: string): Promise<boolean> {
    const { state } = this.#look
    if (this.#remote === undefined || state === 'resting') return false
    return this.#search.lookUp(kid, state === 'under_way' ? 'running' : 'needed', () => this.#look.join())
  }

  /** Ends all waits for a look. */
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
    // Nothing new, so tokens with made-up keys do not set the core to work.
    if (why === 'lookup' && own.length > 0 && own.every((key) => this.#isKnown(key))) return this.#report(undefined)
    const skipped = this.#taken(json, usableUntil, source)
    const usable = this.#usableOf(own, skipped)
    this.#roll.fetched(usable, why, this.#settings.nowMs())
    const kept = this.#roll.kept(usable)
    const keys = [...usable, ...kept]
    // A look must not put off the end of keys that it has not seen.
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

  /** The keys that the core uses, each once. */
  #usableOf(own: readonly unknown[], skipped: readonly SkippedKey[]): JWK[] {
    const places = new Set(skipped.map(({ index }) => index))
    this.#unusable = new Set(own.filter((_, index) => places.has(index)).map((key) => JSON.stringify(key)))
    const keys = own.filter((_, index) => !places.has(index)).map((key) => canonicalKey(key as JWK))
    return [...new Map(keys.filter((key) => key !== undefined).map((key) => [identityOf(key), key])).values()]
  }

  /** Whether a key of a fetched set is in use, or was among those that cannot be. */
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

  /** Once when it begins to fail and once when it works again. */
  #report(error: PortcullisError | undefined): void {
    if (this.#failing === (error !== undefined)) return
    this.#failing = error !== undefined
    this.#settings.onReport({ kind: 'jwks', realm: this.#realm.name, error })
  }
}

function unreachable(cause: unknown): PortcullisError {
  return new PortcullisError('jwks_unreachable', 'the JWK set is not available', { cause })
}
