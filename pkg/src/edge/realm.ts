import { PortcullisError } from '../errors.ts'
import { mergeKeySets } from '../jwks/merge-key-sets.ts'
import { RemoteJwks } from '../jwks/remote-jwks.ts'
import { namingKeys, withKids } from '../jwks/skipped-keys.ts'
import { CLAIM_NAMES } from '../policy.ts'
import type { JWKS, SkippedKey, TokenOptions } from '../types.ts'
import type { CoreState } from './core/state.ts'
import type { Place } from './issuers/place.ts'
import { type FedRealm, RealmFeed } from './realm-feed.ts'
import type { RealmHost } from './realm-host.ts'
import type { GateRealmSettings } from './settings.ts'

/** Interval of the reports that a realm looks up no revocations. */
const UNCHECKED_EVERY_MS = 3_600_000
/**
 * Maximum size of the key set of a realm returned by the function: a thousand realms may be loaded, and real sets have
 * a few kilobytes.
 */
const MAX_ANSWERED_JWKS_BYTES = 65_536

/** One realm of an open gate: its state in the core, its keys and its feed. */
export class Realm implements FedRealm {
  readonly name: string
  /** The options for its tokens. */
  readonly token: TokenOptions
  readonly scopeClaim: string
  /** Whether verdicts name the actor of a token that has one. */
  readonly marksImpersonation: boolean
  /** `undefined`: revocation is not checked. */
  readonly feed: RealmFeed | undefined
  /** Keys at a URL. */
  readonly keys: RemoteJwks | undefined
  /** Its place if realms are a function; `undefined`: it stays as long as the gate. */
  readonly place: Place<Realm> | undefined
  readonly #index: number
  readonly #host: RealmHost
  #isClosed = false
  #state: CoreState
  #uncheckedAtMs = -Infinity
  #skipped: readonly SkippedKey[] = []
  /** The fetched key set in use. */
  #fetched: { json: Uint8Array; usableUntil: number } | undefined

  /** Throws `invalid_option` and `invalid_jwks`. Does no I/O. */
  constructor(index: number, settings: GateRealmSettings, host: RealmHost, place?: Place<Realm>) {
    const { token, jwks, feed } = settings
    this.#index = index
    this.#host = host
    this.place = place
    this.name = token.name
    this.token = token
    this.scopeClaim = token.claimNames?.scope ?? CLAIM_NAMES.scope
    this.marksImpersonation = token.impersonation === 'mark'
    this.keys = this.#openKeys(jwks)
    this.feed = feed === undefined ? undefined : new RealmFeed(this, feed, settings, host)
    this.#state = host.core.state(index)
  }

  /**
   * Starts the stream if the feed uses one, or reports that the realm has no feed. Called at first use, because no I/O
   * may start earlier.
   */
  start(): void {
    this.currentState()
    if (this.feed === undefined) this.reportUnchecked()
    else this.feed.start()
  }

  /** Reports that no revocation is looked up, unless that was reported within the last hour. */
  reportUnchecked(): void {
    const nowMs = this.#host.settings.nowMs()
    if (Math.abs(nowMs - this.#uncheckedAtMs) < UNCHECKED_EVERY_MS) return
    this.#uncheckedAtMs = nowMs
    const message =
      "revocation is 'unchecked': revoked tokens are accepted until they expire; configure the feed of an origin for the realm"
    this.#host.report('options', this.name, new PortcullisError('revocation_unchecked', message))
  }

  /** Its index in the core. Throws `closed` once it is closed, because another realm may then have that index. */
  get index(): number {
    if (this.#isClosed) throw new PortcullisError('closed', 'the realm is no longer loaded')
    return this.#index
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** The core's state of this realm, as of the last change. */
  get state(): CoreState {
    return this.#state
  }

  /** Reads the core's state now: keys and entries expire without a change. */
  currentState(): CoreState {
    this.#state = this.#host.core.state(this.index)
    if (this.feed?.hasKeys === true) this.#skipped = this.#host.core.skippedKeys(this.index)
    this.#host.reports.skippedKeys(this.name, this.#skipped)
    return this.#state
  }

  /** The skipped keys of the last set read. */
  get skippedKeys(): readonly SkippedKey[] {
    return this.#skipped
  }

  /** Returns the seconds since the origin stated this state; Infinity before the first statement. */
  ageSeconds(now: number): number {
    return this.#state.loaded ? Math.max(0, now - this.#state.issuedAt) : Infinity
  }

  /** Must be called after the core was rebuilt: nothing is loaded. */
  reset(): void {
    this.currentState()
    this.feed?.reset()
  }

  /**
   * Looks up an unknown key, at the JWKS URL or through the origin. Returns false if that is not allowed now or has
   * failed.
   */
  async lookUpKey(kid: string): Promise<boolean> {
    if (this.keys !== undefined) return this.keys.lookUp(kid)
    return (await this.feed?.lookUpKey(kid)) ?? false
  }

  /** How long a request waits for such a lookup. */
  get keyLookupTimeoutMs(): number {
    const { jwksTimeoutMs, refreshTimeoutMs } = this.#host.settings
    return this.feed?.hasKeys ? jwksTimeoutMs + refreshTimeoutMs : jwksTimeoutMs
  }

  close(): void {
    this.#isClosed = true
    this.feed?.close()
    this.keys?.close()
  }

  #openKeys(jwks: URL | JWKS | undefined): RemoteJwks | undefined {
    const { settings, runtime, report } = this.#host
    if (jwks === undefined) return undefined
    if (!(jwks instanceof URL)) {
      this.#setKeys(new TextEncoder().encode(JSON.stringify(jwks)), Number.MAX_SAFE_INTEGER, 'configuration')
      return undefined
    }
    return new RemoteJwks(
      {
        url: jwks,
        maxAgeSeconds: settings.jwksMaxAgeSeconds,
        maxStaleSeconds: settings.jwksMaxStaleSeconds,
        timeoutMs: settings.jwksTimeoutMs,
        ...(this.place === undefined ? {} : { maxBytes: MAX_ANSWERED_JWKS_BYTES }),
        plainHttp: settings.plainHttp,
        fetch: settings.fetch,
        shareFlights: runtime.shareFlights,
        nowMs: runtime.nowMs,
        onFailure: (error) => report('jwks', this.name, error),
      },
      (json, usableUntil, cause) => {
        // A lookup only adds keys and does not extend the use of those it lacks.
        const earlier = cause === 'lookup' ? this.#fetched : undefined
        const merged = earlier === undefined ? json : mergeKeySets(json, earlier.json)
        const until = earlier === undefined ? usableUntil : earlier.usableUntil
        this.#setKeys(merged, until, 'url')
        this.currentState()
        this.#fetched = { json: merged, usableUntil: until }
      },
    )
  }

  #setKeys(json: Uint8Array, usableUntil: number, source: 'configuration' | 'url'): void {
    const { core } = this.#host
    try {
      core.setKeys(this.index, json, usableUntil, source)
    } catch (error) {
      this.#skipped = withKids(core.skippedKeys(this.index), json)
      throw namingKeys(error, this.#skipped)
    }
    this.#skipped = withKids(core.skippedKeys(this.index), json)
  }
}
