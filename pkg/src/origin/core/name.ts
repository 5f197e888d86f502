/** The longest name of a user, session, client or token, in bytes of UTF-8: the core's `MAX_NAME_BYTES`. */
export const MAX_NAME_BYTES = 1_024

const encoder = new TextEncoder()

/**
 * Whether a value is a valid name: 1 to `MAX_NAME_BYTES` bytes of UTF-8, without unpaired surrogates. Control
 * characters and dot segments are allowed, because gates accept tokens with them.
 */
export function isName(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_NAME_BYTES || /\p{Surrogate}/u.test(value))
    return false
  return encoder.encode(value).byteLength <= MAX_NAME_BYTES
}
