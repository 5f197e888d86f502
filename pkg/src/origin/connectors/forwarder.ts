import type { LedgerEvent } from '../core/ledger.ts'
import type { Act } from '../store/audit-entry.ts'

/**
 * The outcome of telling the identity server: `done`; `queued`: it could not be reached, and is told later; `refused`: it will not do it,
 * as when the account lacks a right.
 */
export type UpstreamOutcome = 'done' | 'queued' | 'refused'

/** A message to an identity server, stored in the transaction of its event. It holds nothing secret. */
export interface UpstreamMessage {
  /** The queue of the forwarder in the store's outbox. */
  readonly queue: string
  /** In the forwarder's own form. */
  readonly payload: Uint8Array
}

/** Tells an identity server what was recorded here. */
export interface Forwarder {
  /** The message about an event that takes effect at `now` (unix seconds); `undefined`: the server need not be told of such events. */
  messageFor(event: LedgerEvent, act: Act, now: number): UpstreamMessage | undefined
  /** A message is stored: it is to be sent. Must not block or throw. */
  notify(): void
  /** Resolves once the message was sent or refused, else with `queued` after a bounded time. Never rejects. */
  outcome(message: UpstreamMessage): Promise<UpstreamOutcome>
}
