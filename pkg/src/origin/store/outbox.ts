import { PortcullisError } from '../../errors.ts'
import { checkName } from './connector-state.ts'

export const MAX_OUTBOX_PAYLOAD_BYTES = 16_384

/** A message to another server. It outlives its process, so it must contain no secrets. */
export interface OutboxEntry {
  /** The queue's name: each forwarder has a queue of its own. */
  queue: string
  /** Unix seconds at which it was created. */
  at: number
  /** Unix seconds before which it is not to be tried. Default: at once. */
  dueAt?: number
  /** In the forwarder's own format; opaque to the store. */
  payload: Uint8Array
}

/** A waiting entry. */
export interface StoredOutboxEntry extends Required<OutboxEntry> {
  realm: string
  /** Its position among all entries of the store, strictly increasing and never reused. */
  id: number
  /** The number of failed attempts. */
  attempts: number
}

/** Selects entries of one queue; the result is in order of id. */
export interface OutboxQuery {
  realm: string
  queue: string
  /** Unix seconds: selects entries that may be tried at this time. Default: all that wait. */
  dueAt?: number
  /** Selects entries with a greater id. */
  after?: number
  /** The maximum number of entries. */
  limit: number
}

/** Throws `invalid_option` or `too_large`. */
export function checkOutboxEntry({ queue, payload }: OutboxEntry): void {
  checkName(queue, 'queue')
  if (payload.byteLength > MAX_OUTBOX_PAYLOAD_BYTES) {
    throw new PortcullisError('too_large', `an entry of the outbox holds at most ${MAX_OUTBOX_PAYLOAD_BYTES} bytes`)
  }
}
