import type { AuditAction, UpstreamOutcome } from '../api.ts'
import type { LedgerEvent } from '../core/ledger.ts'
import type { OutboxEntry } from '../store/outbox.ts'

/** An event that is recorded, as a forwarder sees it. */
export interface ForwardedEvent {
  readonly event: LedgerEvent
  /** Distinguishes a logout from a not-before that was set, which are the same event. */
  readonly action: AuditAction
  /** Whether the server is to do it too (`tell`), or has done it already, as far as the caller knows (`skip`). */
  readonly upstream: 'tell' | 'skip'
  /** Whether it was `in_force` already. */
  readonly state: 'new' | 'in_force'
  /** Unix seconds: when it is recorded. */
  readonly now: number
  /** Unix seconds: up to when it refuses tokens. */
  readonly until: number
}

/**
 * A message to an identity server. Its entry holds nothing secret, for it is stored in the transaction of its event.
 */
export interface UpstreamMessage {
  readonly entry: OutboxEntry
}

/** Carries out at an identity server what was recorded here. */
export interface Forwarder {
  /**
   * The message about an event, which `stored` or `withdrawn` must follow. `undefined`: there is nothing to do.
   * `refused`: there is, but the server has no such operation.
   */
  messageFor(event: ForwardedEvent): UpstreamMessage | 'refused' | undefined
  /** The message is durable: sends it. Resolves with `queued` after a bounded time. Never rejects. */
  stored(message: UpstreamMessage): Promise<UpstreamOutcome>
  /** The event could not be recorded, and the message was not stored. */
  withdrawn(message: UpstreamMessage): void
}
