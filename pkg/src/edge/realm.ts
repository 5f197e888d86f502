import type { PortcullisError } from '../errors.ts'
import { RemoteKeys } from '../jwks/remote-jwks.ts'
import { CLAIM_NAMES } from '../policy.ts'
import type { JWKS, WaitUntil } from '../types.ts'
import { Acknowledger } from './feed/acknowledger.ts'
import type { Core, CoreApplied, CoreState } from './core/core.ts'
import { Feed } from './feed/puller.ts'
import { withKept } from '../jwks/merge-key-sets.ts'
import { KeyLookup } from './feed/key-lookup.ts'
import { SectionDemand } from './feed/section-queue.ts'
import type { Reporter } from './report.ts'
import type { RealmSettings, Settings } from './settings.ts'
import { FeedStream } from './feed/stream.ts'

/** What a realm needs of the gate it belongs to. */
export interface RealmHost {
  core: Core
  settings: Settings
  shareFlights: boolean
  report: Reporter
  /** Unix seconds; never goes back. */
  now(): number
}

/** One realm of an opened gate: its state in the core, and what brings it keys and changes. */
export class Realm {
  readonly name: string
  readonly scopeClaim: string
  readonly settings: RealmSettings
  readonly surroundings: RealmHost
  readonly keys: RemoteKeys | undefined
  readonly feed: Feed
  /**
   * When we last asked for news with success, or were told some. It only paces fetches: how old the state is counts from what
   * the origin stated. An old message sent to us again is no news, or whoever repeats it could keep us from asking.
   */
  refreshedAtMs: number = -Infinity
  /** When a token that was ahead of us last made us refresh. */
  caughtUpAtMs: number = -Infinity
  readonly #index: number
  readonly #keyLook: KeyLookup | undefined
  readonly #acknowledger: Acknowledger | undefined
  readonly #stream: FeedStream | undefined
  #state: CoreState
  /** The fetched set in use. */
  #fetched: { json: Uint8Array; usableUntil: number } | undefined

  /** Throws `invalid_option` and `invalid_jwks`. Does no I/O. */
  constructor(index: number, settings: RealmSettings, surroundings: RealmHost) {
    this.#index = index
    this.name = settings.token.name
    this.scopeClaim = settings.token.claimNames?.scope ?? CLAIM_NAMES.scope
    this.settings = settings
    this.surroundings = surroundings
    this.keys = this.#openKeys(settings.jwks)
    this.feed = new Feed(this)
    this.#keyLook = settings.jwks === undefined ? new KeyLookup(this) : undefined
    this.#stream = settings.feed.mode === 'stream' ? new FeedStream(this) : undefined
    this.#acknowledger = settings.feed.acknowledge === undefined ? undefined : new Acknowledger(this, settings.feed.acknowledge)
    this.#state = surroundings.core.state(index)
  }

  /** The core's view, as of the last change. */
  get state(): CoreState {
    return this.#state
  }

  /** The core's view now: keys come and go, and entries expire, without a change by us. */
  currentState(): CoreState {
    this.#state = this.surroundings.core.state(this.#index)
    return this.#state
  }

  /** Seconds since the origin stated what is known here; Infinity before the first statement. */
  ageSeconds(now: number): number {
    return this.#state.loaded ? Math.max(0, now - this.#state.issuedAt) : Infinity
  }

  /** Applies a manifest or delta. Throws `feed_refused`, also for a message of another realm; then nothing has changed. */
  apply(bytes: Uint8Array): CoreApplied {
    const { core, now } = this.surroundings
    const applied = core.applyFeed(this.#index, bytes, now())
    if (applied.effect === 'changed' || applied.effect === 'renewed') this.refreshedAtMs = Date.now()
    this.currentState()
    return applied
  }

  /** The core was made anew: nothing is loaded any more. */
  reload(): void {
    this.currentState()
    this.refreshedAtMs = -Infinity
    this.caughtUpAtMs = -Infinity
  }

  missingSections(): string[] {
    return this.surroundings.core.missingSections(this.#index)
  }

  /** What `token`, one of this realm, needs of a state that is not complete; `undefined`: it is not for want of that that it waits. */
  needOf(token: string): SectionDemand | undefined {
    const { core } = this.surroundings
    if (this.#state.loaded && core.missingFor(token).length === 0) return undefined
    return new SectionDemand(() => (this.#state.loaded ? core.missingFor(token) : undefined))
  }

  /** Takes in a section, with its hash where the host has computed it. Throws `feed_refused`. */
  provideSection(bytes: Uint8Array, sha256: Uint8Array | undefined): void {
    const provided = this.surroundings.core.provideSection(this.#index, bytes, sha256)
    if (provided === 'committed') this.currentState()
  }

  /** Starts the stream, if changes are to come by one. Called at first use, for nothing may start before. */
  start(): void {
    this.#stream?.start()
  }

  /**
   * Looks for a key that is not known: at the JWKS URL or, when the feed carries the keys, by way of the origin. False when
   * there was nothing to look at, or not again so soon.
   */
  async lookForKey(kid: string): Promise<boolean> {
    if (this.keys !== undefined) return this.keys.lookFor(kid)
    return (await this.#keyLook?.lookFor(kid)) ?? false
  }

  /** How long to wait for such a look at the most. */
  get keyLookTimeoutMs(): number {
    const { jwksTimeoutMs, refreshTimeoutMs } = this.surroundings.settings
    return this.#keyLook === undefined ? jwksTimeoutMs : jwksTimeoutMs + refreshTimeoutMs
  }

  /** Waits until `untilMs` at the most for the first keys of a feed that has none yet. */
  async awaitFirstKeys(untilMs: number): Promise<void> {
    await this.#keyLook?.awaitFirst(untilMs)
  }

  /** Tells the origin how far we are, if it wants to know. The promise never rejects. */
  async acknowledge(waitUntil?: WaitUntil): Promise<void> {
    const sent = this.#acknowledger?.send()
    if (sent === undefined) return
    waitUntil?.(sent)
    await sent
  }

  /** Reports a failure of the feed; a statement from the future is a matter of clocks. */
  reportFeed(error: PortcullisError | unknown): void {
    const detail = typeof error === 'object' && error !== null && 'detail' in error ? error.detail : undefined
    this.surroundings.report(detail === 'from_future' ? 'clock' : 'feed', this.name, error)
  }

  close(): void {
    this.#stream?.close()
    this.#acknowledger?.close()
    this.#keyLook?.close()
    this.feed.close()
    this.keys?.close()
  }

  #openKeys(jwks: URL | JWKS | undefined): RemoteKeys | undefined {
    const { core, settings, shareFlights, report } = this.surroundings
    if (jwks === undefined) return undefined
    if (!(jwks instanceof URL)) {
      core.setKeys(this.#index, new TextEncoder().encode(JSON.stringify(jwks)), Number.MAX_SAFE_INTEGER, 'configuration')
      return undefined
    }
    return new RemoteKeys(
      {
        url: jwks,
        maxAgeSeconds: settings.jwksMaxAgeSeconds,
        maxStaleSeconds: settings.jwksMaxStaleSeconds,
        timeoutMs: settings.jwksTimeoutMs,
        plainHttp: settings.plainHttp,
        fetch: settings.fetch,
        shareFlights,
        onFailure: (error) => report('jwks', this.name, error),
      },
      (json, usableUntil, why) => {
        const kept = why === 'look' ? this.#fetched : undefined
        const all = kept === undefined ? json : withKept(json, kept.json)
        const until = kept === undefined ? usableUntil : kept.usableUntil
        core.setKeys(this.#index, all, until, 'url')
        this.#fetched = { json: all, usableUntil: until }
      },
    )
  }
}
