import { PortcullisError } from '../../errors.ts'
import { checkName } from './connector-state.ts'

export const MAX_OUTBOX_PAYLOAD_BYTES = 16_384

/** A message to another server. It outlives its process, so it holds nothing secret. */
export interface OutboxEntry {
  /** Whose it is: each forwarder takes from a queue of its own. */
  queue: string
  /** Unix seconds: when it was made. */
  at: number
  /** Unix seconds: not to be tried before. Default: at once. */
  dueAt?: number
  /** In the forwarder's own form; opaque to the store. */
  payload: Uint8Array
}

/** An entry as it waits. */
export interface StoredOutboxEntry extends Required<OutboxEntry> {
  realm: string
  /** Its place among all entries of the store, strictly increasing; none is used twice. */
  id: number
  /** The number of failed attempts. */
  attempts: number
}

/** Which entries of one queue, in order of their ids. */
export interface OutboxQuery {
  realm: string
  queue: string
  /** Unix seconds: only those that may be tried then. Left out: all that wait. */
  dueAt?: number
  /** Only those with a greater id. */
  after?: number
  /** At most so many. */
  limit: number
}

/** Throws `invalid_option` or `too_large`. */
export function checkOutboxEntry({ queue, payload }: OutboxEntry): void {
  checkName(queue, 'queue')
  if (payload.byteLength > MAX_OUTBOX_PAYLOAD_BYTES) {
    throw new PortcullisError('too_large', `an entry of the outbox holds at most ${MAX_OUTBOX_PAYLOAD_BYTES} bytes`)
  }
}
