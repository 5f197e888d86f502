/** Why a JWS was not verified. */
export type UnverifiedReason =
  | 'malformed'
  | 'unsupported_algorithm'
  | 'unknown_key'
  | 'banned_key'
  | 'bad_signature'
  | 'keys_unavailable'

/**
 * A well-formed JWS whose signature has not been checked. For checks that are cheaper than the signature, and for no
 * decision.
 */
export interface UnverifiedToken {
  readonly token: string
  /** Without parameters that are `null`. */
  readonly header: Readonly<Record<string, unknown>>
  /** Without claims that are `null`. */
  readonly claims: Readonly<Record<string, unknown>>
  /** The same claims to read names from: by `numericIds: 'accept'`, integers are the strings of their digits. */
  readonly named: Readonly<Record<string, unknown>>
}

declare const VERIFIED: unique symbol

/**
 * A JWS that the realm's issuer has signed. Only form, key and signature have been checked: type, issuer, audience and
 * times are for the caller to check.
 */
export interface IssuerSigned {
  readonly [VERIFIED]: true
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

/** Verifies tokens that a realm's issuer sends to this origin. */
export interface IssuerTokens {
  /**
   * Reads a compact JWS (RFC 7515 §3.1): three parts of base64url, header and claims JSON objects without duplicate
   * members, at most `maxTokenBytes`. Throws `MessageRefused` (`malformed`).
   */
  read(token: string): UnverifiedToken
  /**
   * Checks the signature by the issuer's keys. The header's `alg` must be the key's own (RFC 8725 §3.1) and asymmetric,
   * `crit` is refused, and so is a banned key. An unknown `kid` waits for one look at the issuer, two seconds at the
   * most. Rejects with `MessageRefused`. `admit` is called before each signature that is verified: several keys may
   * come into question. What it rejects with ends all.
   */
  verify(token: UnverifiedToken, admit: () => Promise<void>): Promise<IssuerSigned>
}
