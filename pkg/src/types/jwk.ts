/** A JSON Web Key (RFC 7517). */
export interface JWK {
  kty?: string | undefined
  kid?: string
  alg?: string
  use?: string
  key_ops?: string[]
  crv?: string
  x?: string
  y?: string
  n?: string
  e?: string
  /** The private part. Never in a set that is published or passed to a gate. */
  d?: string
  /** A symmetric key's value (base64url). Only in sets in the configuration. */
  k?: string
  [member: string]: unknown
}

/** A JSON Web Key set (RFC 7517 §5). */
export interface JWKS {
  keys: JWK[]
}

/** A key of a JWK set that is not used, although others of the set may be. */
export interface SkippedKey {
  /** Its index in `keys`, from 0. */
  index: number
  /** Its `kid`, truncated to 100 characters; the server of the set chooses it. Absent for keys that a feed carries. */
  kid?: string | undefined
  reason: SkipReason
}

/**
 * Why a key is not used. `malformed`: not a JSON object, or with a member that is duplicate, missing, of the wrong
 * type, too long or not base64. `unknown_key_type`, `unknown_curve`, `unknown_algorithm`: `kty`, `crv` or `alg` is not
 * supported. `algorithm_mismatch`: `alg` does not fit `kty` or `crv`. `not_for_verification`: by `use` or `key_ops`,
 * like encryption keys. `private`: it has private members. `symmetric_from_url`: a shared key that was fetched.
 * `too_short`: RSA below 2,048 bits, or a shared key shorter than its hash. `too_long`: RSA above 4,096 bits.
 * `invalid`: a point off its curve or of small order, an even modulus, an unusable exponent.
 */
export type SkipReason =
  | 'malformed'
  | 'unknown_key_type'
  | 'unknown_curve'
  | 'unknown_algorithm'
  | 'algorithm_mismatch'
  | 'not_for_verification'
  | 'private'
  | 'symmetric_from_url'
  | 'too_short'
  | 'too_long'
  | 'invalid'

export type Algorithm =
  | 'HS256'
  | 'HS384'
  | 'HS512'
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA'
  | 'Ed25519'
