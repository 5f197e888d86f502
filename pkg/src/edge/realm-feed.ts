import type { WaitUntil } from '../types.ts'
import type { Applied, CoreState } from './core/state.ts'
import { Acknowledger } from './feed/acknowledger.ts'
import { FeedKeyLookup } from './feed/key-lookup.ts'
import { FeedPuller } from './feed/puller.ts'
import { SectionDemand } from './feed/section-queue.ts'
import { FeedStream } from './feed/stream.ts'
import type { FeedRuntime, FeedSettings, FeedSubscriber } from './feed/subscriber.ts'
import type { RealmHost } from './realm-host.ts'
import type { GateRealmSettings } from './settings.ts'

/** The members of a realm that its feed uses. */
export interface FedRealm {
  readonly name: string
  /** Its index in the core. */
  readonly index: number
  /** The core's state as of the last change. */
  readonly state: CoreState
  /** Reads the core's state after a change. */
  currentState(): CoreState
}

/** The feed of a realm: its transports, and the state that they load into the core. */
export class RealmFeed implements FeedSubscriber {
  readonly name: string
  readonly settings: FeedSettings
  readonly runtime: FeedRuntime
  readonly puller: FeedPuller
  /**
   * The start of the last successful refresh, or the time of the last push that changed something. It only paces
   * fetches: the state's age counts from the origin's statement. A replayed old message does not count, because its
   * sender could otherwise prevent refreshes.
   */
  refreshedAtMs: number = -Infinity
  /** When a token that was ahead of the state last caused a refresh. */
  caughtUpAtMs: number = -Infinity
  readonly #realm: FedRealm
  readonly #host: RealmHost
  readonly #keyLookup: FeedKeyLookup | undefined
  readonly #acknowledger: Acknowledger | undefined
  readonly #stream: FeedStream | undefined
  readonly #acceptDifferingPolicy: boolean

  /** Does no I/O. */
  constructor(
    realm: FedRealm,
    settings: FeedSettings,
    { jwks, acceptDifferingPolicy }: GateRealmSettings,
    host: RealmHost,
  ) {
    this.#realm = realm
    this.#host = host
    this.name = realm.name
    this.settings = settings
    this.runtime = host.runtime
    this.puller = new FeedPuller(this, (startedAtMs) => {
      this.refreshedAtMs = Math.max(this.refreshedAtMs, startedAtMs)
      this.#reportPolicy()
    })
    const { refreshTimeoutMs } = host.settings
    this.#keyLookup =
      jwks === undefined
        ? new FeedKeyLookup(this, host.settings, () => this.puller.catchUp(refreshTimeoutMs))
        : undefined
    this.#stream = settings.mode === 'stream' ? new FeedStream(this, () => this.puller.refresh()) : undefined
    this.#acknowledger = settings.acknowledge === undefined ? undefined : new Acknowledger(this, settings.acknowledge)
    this.#acceptDifferingPolicy = acceptDifferingPolicy
  }

  get state(): CoreState {
    return this.#realm.state
  }

  apply(message: Uint8Array): Applied {
    const applied = this.#host.core.applyFeed(this.#realm.index, message, this.#host.now())
    if (applied.effect === 'changed' || applied.effect === 'renewed') this.refreshedAtMs = this.runtime.nowMs()
    // A push in an older form states no policy; a refresh fetches the gate's own form, which does.
    if (this.#realm.currentState().policy !== 'not_stated') this.#reportPolicy()
    return applied
  }

  missingSections(): string[] {
    return this.#host.core.missingSections(this.#realm.index)
  }

  provideSection(bytes: Uint8Array, sha256: Uint8Array | undefined): void {
    const provided = this.#host.core.provideSection(this.#realm.index, bytes, sha256)
    if (provided === 'committed') this.#realm.currentState()
  }

  /** Whether every token is refused because the origin states another policy. Fetching more often does not help. */
  get refusesPolicy(): boolean {
    return this.state.policy === 'differs' && !this.#acceptDifferingPolicy
  }

  /** Returns the sections that a token of this realm waits for; `undefined` if it waits for none. */
  demandOf(token: string): SectionDemand | undefined {
    const { core } = this.#host
    if (this.state.loaded && core.missingFor(token).length === 0) return undefined
    return new SectionDemand(() => (this.state.loaded ? core.missingFor(token) : undefined))
  }

  /** Must be called after the core was rebuilt: nothing is loaded. */
  reset(): void {
    this.refreshedAtMs = -Infinity
    this.caughtUpAtMs = -Infinity
  }

  /** Starts the stream if the feed uses one. Called at first use, because no I/O may start earlier. */
  start(): void {
    this.#stream?.start()
  }

  /** Whether the feed carries the realm's keys. */
  get hasKeys(): boolean {
    return this.#keyLookup !== undefined
  }

  /**
   * Looks up an unknown key at the origin. Returns false if that is not allowed now, has failed, or the keys come from
   * elsewhere.
   */
  async lookUpKey(kid: string): Promise<boolean> {
    return (await this.#keyLookup?.lookUp(kid)) ?? false
  }

  /** Waits until `untilMs` at most for the first keys of a feed without keys. */
  async awaitFirstKeys(untilMs: number): Promise<void> {
    await this.#keyLookup?.awaitFirstKeys(untilMs)
  }

  async acknowledge(waitUntil?: WaitUntil): Promise<void> {
    const sent = this.#acknowledger?.send()
    if (sent === undefined) return
    waitUntil?.(sent)
    await sent
  }

  /** Reports a failure of the feed; a statement from the future is a clock failure. */
  report(error: unknown): void {
    const detail = typeof error === 'object' && error !== null && 'detail' in error ? error.detail : undefined
    this.#host.report(detail === 'from_future' ? 'clock' : 'feed', this.name, error)
  }

  close(): void {
    this.#stream?.close()
    this.#acknowledger?.close()
    this.#keyLookup?.close()
    this.puller.close()
  }

  #reportPolicy(): void {
    if (this.state.loaded) this.#host.reports.policy(this.name, this.state, this.#acceptDifferingPolicy)
  }
}
