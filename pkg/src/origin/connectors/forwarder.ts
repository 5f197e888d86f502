import type { AuditAction, UpstreamOutcome } from '../api.ts'
import type { LedgerEvent } from '../core/ledger.ts'
import type { OutboxEntry } from '../store/outbox.ts'

/** A recorded event, as a forwarder sees it. */
export interface ForwardedEvent {
  readonly event: LedgerEvent
  /** Distinguishes a logout from setting a not-before, which are the same event. */
  readonly action: AuditAction
  /** Whether the server is to perform it too (`tell`), or has already done so as far as the caller knows (`skip`). */
  readonly upstream: 'tell' | 'skip'
  /** Whether the event is new or was already in force. */
  readonly state: 'new' | 'in_force'
  /** Unix seconds at which it is recorded. */
  readonly now: number
  /** Unix seconds up to which it refuses tokens. */
  readonly until: number
}

/**
 * A message to an identity server. Its entry contains no secrets, because it is stored in the transaction of its event.
 */
export interface UpstreamMessage {
  readonly entry: OutboxEntry
}

/** Performs at an identity server what was recorded here. */
export interface Forwarder {
  /**
   * Returns the message for an event, which `stored` or `withdrawn` must follow. Returns `undefined` if there is
   * nothing to do, and `refused` if the server has no such operation.
   */
  messageFor(event: ForwardedEvent): UpstreamMessage | 'refused' | undefined
  /** Sends a message that is now durable. Resolves with `queued` after a bounded time. Never rejects. */
  stored(message: UpstreamMessage): Promise<UpstreamOutcome>
  /** Drops a message that was not stored, because its event could not be recorded. */
  withdrawn(message: UpstreamMessage): void
}
