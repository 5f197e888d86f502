import { PortcullisError } from '../../errors.ts'
import { invalid } from '../../options.ts'

export const MAX_STATE_BYTES = 1_048_576
const MAX_STATE_NAME_BYTES = 1_024

/** A named state of a connector: a cursor, the ids it has seen, or a lease. */
export interface StoredState {
  value: Uint8Array
  /** The number of writes: 1 after the first. */
  version: number
}

/** Checks the name of a state or a queue. Throws `invalid_option`. */
export function checkName(name: string, what: string): void {
  const bytes = new TextEncoder().encode(name).byteLength
  // A lone surrogate would become the same replacement character as any other.
  if (bytes === 0 || bytes > MAX_STATE_NAME_BYTES || /\p{Surrogate}/u.test(name)) {
    throw invalid(`the name of a ${what} must be a valid string of 1 to ${MAX_STATE_NAME_BYTES} bytes of UTF-8`)
  }
}

/** Throws `too_large`. */
export function checkState(value: Uint8Array): void {
  if (value.byteLength > MAX_STATE_BYTES) {
    throw new PortcullisError(
      'too_large',
      `a state holds at most ${MAX_STATE_BYTES} bytes: divide it among several names`,
    )
  }
}
