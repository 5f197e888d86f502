/** Why a JWS could not be verified. */
export type UnverifiedReason =
  | 'malformed'
  | 'unsupported_algorithm'
  | 'unknown_key'
  | 'banned_key'
  | 'bad_signature'
  | 'keys_unavailable'

/**
 * A well-formed JWS whose signature has not been checked. Use it only for checks that are cheaper than the signature,
 * never for a decision.
 */
export interface UnverifiedToken {
  readonly token: string
  /** Without parameters that are `null`. */
  readonly header: Readonly<Record<string, unknown>>
  /** Without claims that are `null`. */
  readonly claims: Readonly<Record<string, unknown>>
  /** The claims with names as strings: with `numericIds: 'accept'`, integers become strings of their digits. */
  readonly named: Readonly<Record<string, unknown>>
}

declare const VERIFIED: unique symbol

/**
 * A JWS signed by the realm's issuer. Only form, key and signature have been checked; the caller must check type,
 * issuer, audience and times.
 */
export interface IssuerSigned {
  readonly [VERIFIED]: true
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

/** Verifies tokens that a realm's issuer sends to this origin. */
export interface IssuerTokens {
  /**
   * Parses a compact JWS (RFC 7515 §3.1): three base64url parts, header and claims JSON objects without duplicate
   * members, at most `maxTokenBytes`. Throws `MessageRefused` (`malformed`).
   */
  read(token: string): UnverifiedToken
  /**
   * Checks the signature with the issuer's keys. The header's `alg` must match the key (RFC 8725 §3.1) and be
   * asymmetric; `crit` and banned keys are refused. An unknown `kid` waits for one key lookup, two seconds at most.
   * Rejects with `MessageRefused`. `admit` is called before each signature check, because several keys may match; if it
   * rejects, `verify` rejects with the same error.
   */
  verify(token: UnverifiedToken, admit: () => Promise<void>): Promise<IssuerSigned>
}
