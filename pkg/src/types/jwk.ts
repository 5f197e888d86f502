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
  /** The private part. Never in a set that is published or given to a gate. */
  d?: string
  /** A symmetric key's value (base64url). Only in sets that stand in the configuration. */
  k?: string
  [member: string]: unknown
}

/** A JSON Web Key set (RFC 7517 §5). */
export interface JWKS {
  keys: JWK[]
}

export type Algorithm =
  | 'HS256' | 'HS384' | 'HS512'
  | 'RS256' | 'RS384' | 'RS512'
  | 'PS256' | 'PS384' | 'PS512'
  | 'ES256' | 'ES384' | 'ES512'
  | 'EdDSA' | 'Ed25519'
