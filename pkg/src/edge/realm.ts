import { mergeKeySets } from '../jwks/merge-key-sets.ts'
import { RemoteJwks } from '../jwks/remote-jwks.ts'
import { CLAIM_NAMES } from '../policy.ts'
import type { JWKS, WaitUntil } from '../types.ts'
import type { Core } from './core/core.ts'
import type { Applied, CoreState } from './core/state.ts'
import { Acknowledger } from './feed/acknowledger.ts'
import { FeedKeyLookup } from './feed/key-lookup.ts'
import { FeedPuller } from './feed/puller.ts'
import { SectionDemand } from './feed/section-queue.ts'
import { FeedStream } from './feed/stream.ts'
import type { FeedRuntime, FeedSettings, FeedSubscriber } from './feed/subscriber.ts'
import type { GateReports } from './gate-reports.ts'
import type { Reporter } from './report.ts'
import type { GateRealmSettings, GateSettings } from './settings.ts'

/** The parts of a gate that its realms use. */
export interface RealmHost {
  core: Core
  settings: GateSettings
  runtime: FeedRuntime
  report: Reporter
  reports: GateReports
  /** Unix seconds; never goes back. */
  now(): number
}

/** One realm of an open gate: its state in the core, its keys and its feed. */
export class Realm implements FeedSubscriber {
  readonly name: string
  readonly scopeClaim: string
  /** Whether a verdict names the actor of a token that has one. */
  readonly marksImpersonation: boolean
  readonly feed: FeedSettings
  readonly runtime: FeedRuntime
  readonly puller: FeedPuller
  /** Keys at a URL. */
  readonly keys: RemoteJwks | undefined
  /**
   * The start of the last successful refresh, or the time of the last push that brought something new. It only paces fetches: the
   * state's age counts from the origin's statement. A repeated old message does not count, or its sender could prevent
   * refreshes.
   */
  refreshedAtMs: number = -Infinity
  /** When a token that was ahead of the state last caused a refresh. */
  caughtUpAtMs: number = -Infinity
  readonly #index: number
  readonly #host: RealmHost
  readonly #keyLookup: FeedKeyLookup | undefined
  readonly #acknowledger: Acknowledger | undefined
  readonly #stream: FeedStream | undefined
  readonly #acceptDifferingPolicy: boolean
  #state: CoreState
  /** The fetched key set in use. */
  #fetched: { json: Uint8Array; usableUntil: number } | undefined

  /** Throws `invalid_option` and `invalid_jwks`. Does no I/O. */
  constructor(index: number, { token, jwks, feed, acceptDifferingPolicy }: GateRealmSettings, host: RealmHost) {
    this.#index = index
    this.#host = host
    this.name = token.name
    this.scopeClaim = token.claimNames?.scope ?? CLAIM_NAMES.scope
    this.marksImpersonation = token.impersonation === 'mark'
    this.feed = feed
    this.runtime = host.runtime
    this.keys = this.#openKeys(jwks)
    this.puller = new FeedPuller(this, (startedAtMs) => {
      this.refreshedAtMs = Math.max(this.refreshedAtMs, startedAtMs)
      this.#reportPolicy()
    })
    const { refreshTimeoutMs } = host.settings
    this.#keyLookup =
      jwks === undefined ? new FeedKeyLookup(this, host.settings, () => this.puller.catchUp(refreshTimeoutMs)) : undefined
    this.#stream = feed.mode === 'stream' ? new FeedStream(this, () => this.puller.refresh()) : undefined
    this.#acknowledger = feed.acknowledge === undefined ? undefined : new Acknowledger(this, feed.acknowledge)
    this.#acceptDifferingPolicy = acceptDifferingPolicy
    this.#state = host.core.state(index)
  }

  /** The core's state of this realm, as of the last change. */
  get state(): CoreState {
    return this.#state
  }

  /** The core's state now: keys and entries expire without a change. */
  currentState(): CoreState {
    this.#state = this.#host.core.state(this.#index)
    return this.#state
  }

  /** Seconds since the origin stated this state; Infinity before the first statement. */
  ageSeconds(now: number): number {
    return this.#state.loaded ? Math.max(0, now - this.#state.issuedAt) : Infinity
  }

  apply(message: Uint8Array): Applied {
    const applied = this.#host.core.applyFeed(this.#index, message, this.#host.now())
    if (applied.effect === 'changed' || applied.effect === 'renewed') this.refreshedAtMs = Date.now()
    // A push in an older form states no policy; a refresh brings the gate's own form, which does.
    if (this.currentState().policy !== 'not_stated') this.#reportPolicy()
    return applied
  }

  missingSections(): string[] {
    return this.#host.core.missingSections(this.#index)
  }

  provideSection(bytes: Uint8Array, sha256: Uint8Array | undefined): void {
    const provided = this.#host.core.provideSection(this.#index, bytes, sha256)
    if (provided === 'committed') this.currentState()
  }

  /** Whether every token is refused because the origin states another policy. Fetching more often does not help. */
  get refusesPolicy(): boolean {
    return this.#state.policy === 'differs' && !this.#acceptDifferingPolicy
  }

  /** The sections that a token of this realm waits for; `undefined`: none. */
  demandOf(token: string): SectionDemand | undefined {
    const { core } = this.#host
    if (this.#state.loaded && core.missingFor(token).length === 0) return undefined
    return new SectionDemand(() => (this.#state.loaded ? core.missingFor(token) : undefined))
  }

  /** After the core was rebuilt: nothing is loaded. */
  reset(): void {
    this.currentState()
    this.refreshedAtMs = -Infinity
    this.caughtUpAtMs = -Infinity
  }

  /** Starts the stream of a realm that has one. Called at first use: no I/O may start before. */
  start(): void {
    this.#stream?.start()
  }

  /** Whether the feed carries the realm's keys. */
  get hasKeysInFeed(): boolean {
    return this.#keyLookup !== undefined
  }

  /** Looks up an unknown key, at the JWKS URL or by way of the origin. False: not now, or it failed. */
  async lookUpKey(kid: string): Promise<boolean> {
    if (this.keys !== undefined) return this.keys.lookUp(kid)
    return (await this.#keyLookup?.lookUp(kid)) ?? false
  }

  /** How long a request waits for such a lookup. */
  get keyLookupTimeoutMs(): number {
    const { jwksTimeoutMs, refreshTimeoutMs } = this.#host.settings
    return this.hasKeysInFeed ? jwksTimeoutMs + refreshTimeoutMs : jwksTimeoutMs
  }

  /** Waits at most until `untilMs` for the first keys of a feed that has none yet. */
  async awaitFirstKeys(untilMs: number): Promise<void> {
    await this.#keyLookup?.awaitFirstKeys(untilMs)
  }

  async acknowledge(waitUntil?: WaitUntil): Promise<void> {
    const sent = this.#acknowledger?.send()
    if (sent === undefined) return
    waitUntil?.(sent)
    await sent
  }

  /** Reports a failure of the feed; a statement from the future is a failure of clocks. */
  report(error: unknown): void {
    const detail = typeof error === 'object' && error !== null && 'detail' in error ? error.detail : undefined
    this.#host.report(detail === 'from_future' ? 'clock' : 'feed', this.name, error)
  }

  close(): void {
    this.#stream?.close()
    this.#acknowledger?.close()
    this.#keyLookup?.close()
    this.puller.close()
    this.keys?.close()
  }

  #reportPolicy(): void {
    if (this.#state.loaded) this.#host.reports.policy(this.name, this.#state, this.#acceptDifferingPolicy)
  }

  #openKeys(jwks: URL | JWKS | undefined): RemoteJwks | undefined {
    const { core, settings, runtime, report } = this.#host
    if (jwks === undefined) return undefined
    if (!(jwks instanceof URL)) {
      core.setKeys(this.#index, new TextEncoder().encode(JSON.stringify(jwks)), Number.MAX_SAFE_INTEGER, 'configuration')
      return undefined
    }
    return new RemoteJwks(
      {
        url: jwks,
        maxAgeSeconds: settings.jwksMaxAgeSeconds,
        maxStaleSeconds: settings.jwksMaxStaleSeconds,
        timeoutMs: settings.jwksTimeoutMs,
        plainHttp: settings.plainHttp,
        fetch: settings.fetch,
        shareFlights: runtime.shareFlights,
        onFailure: (error) => report('jwks', this.name, error),
      },
      (json, usableUntil, cause) => {
        // A lookup only adds keys and does not extend the use of those it lacks.
        const earlier = cause === 'lookup' ? this.#fetched : undefined
        const merged = earlier === undefined ? json : mergeKeySets(json, earlier.json)
        const until = earlier === undefined ? usableUntil : earlier.usableUntil
        core.setKeys(this.#index, merged, until, 'url')
        this.#fetched = { json: merged, usableUntil: until }
      },
    )
  }
}
