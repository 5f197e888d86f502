import type { NowMs } from '../../timing/clock.ts'
import type { FeedOptions, WaitUntil } from '../../types.ts'
import type { NodeCrypto } from '../core/module.ts'
import type { Applied, CoreState } from '../core/state.ts'

/** The members of a realm that its transports use. */
export interface FeedSubscriber {
  readonly name: string
  readonly settings: FeedSettings
  readonly runtime: FeedRuntime
  /** The realm's state as of the last change. */
  readonly state: CoreState
  /**
   * Applies a manifest or delta. Throws `feed_refused`, also for a message of another realm; then nothing has changed.
   */
  apply(message: Uint8Array): Applied
  /** The SHA-256 names, in hexadecimal, of the sections to fetch. */
  missingSections(): string[]
  /** Stores a section; `sha256`: its hash if the runtime has computed it. Throws `feed_refused`. */
  provideSection(bytes: Uint8Array, sha256: Uint8Array | undefined): void
  /** Acknowledges the realm's position if configured. Never rejects. */
  acknowledge(waitUntil?: WaitUntil): Promise<void>
  /** Reports a failure of the feed. */
  report(error: unknown): void
}

/** The location of a realm's feed, with all defaults applied. */
export interface FeedSettings extends Required<Omit<FeedOptions, 'url' | 'credential' | 'acknowledge'>> {
  url: URL
  credential: string | undefined
  acknowledge: FeedOptions['acknowledge'] | undefined
}

/** The members of the JavaScript runtime that transports use. */
export interface FeedRuntime {
  /** Read at each call, because it can be replaced. */
  readonly fetch: typeof fetch
  /** Whether a request may await I/O that another one started. */
  readonly shareFlights: boolean
  readonly nodeCrypto: NodeCrypto | undefined
  /** The clock that paces refreshes. */
  readonly nowMs: NowMs
}
