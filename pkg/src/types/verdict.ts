import type { Reason, RefusalStatus } from '../reasons.ts'

/** The claims of an accepted token, unchanged. */
export interface Claims {
  iss?: string
  sub?: string
  aud?: string | string[]
  exp?: number
  nbf?: number
  iat?: number
  jti?: string
  sid?: string
  azp?: string
  client_id?: string
  scope?: string
  [claim: string]: unknown
}

/** The header of an accepted token (RFC 7515 §4). */
export interface Header {
  alg: string
  kid?: string
  typ?: string
  [member: string]: unknown
}

/**
 * The token passed every check. Header and claims are parsed on first use and deeply frozen, because all requests with
 * the same token share them.
 */
export interface Accepted<C extends Claims = Claims> {
  ok: true
  claims: C
  header: Header
  /** The short name of the realm whose issuer the token names. */
  realm: string
  /** The position in the realm's ledger up to which revocations were applied. */
  sequence: number
  /** With `revocation: 'unchecked'`: no revocation was looked up, and `sequence` is 0. Otherwise absent. */
  unchecked?: true
  /**
   * With `impersonation: 'mark'`, if the token has a claim `act` (RFC 8693 §4.1): who acts for the user, by `act.sub`
   * if that is a string. The whole claim is in `claims.act`.
   */
  impersonatedBy?: { sub?: string }
}

/** The token was refused, for one reason. */
export interface Refused {
  ok: false
  reason: Reason
  /** The HTTP status for it. */
  status: RefusalStatus
  /** With `insufficient_scope`: the required scopes. */
  scope?: string[]
  /**
   * One sentence on what to do about this refusal, if more is known than its reason; it contains nothing of the token.
   */
  advice?: string
}

/**
 * A verdict; `ok` distinguishes the two. Without `strictNullChecks` TypeScript narrows by `verdict.ok`, but not by
 * `!verdict.ok`; there the members of a refusal may be read after both.
 */
export type Verdict<C extends Claims = Claims> = (Accepted<C> & WithoutNullChecks<NotRefused, unknown>) | Refused

/**
 * The parameter of `challenge`: a refused verdict, or without `strictNullChecks` one that `!verdict.ok` has not
 * narrowed.
 */
export type Challenged = Refused | WithoutNullChecks<Accepted, never>

/** The members of a refusal, absent. */
type NotRefused = { [Member in Exclude<keyof Refused, 'ok'>]?: undefined }

/** `Yes` in a project without `strictNullChecks`, else `No`: only there is `null` a `string`. */
type WithoutNullChecks<Yes, No> = null extends string ? Yes : No

/** One check of a token, with its outcome; for people, never a verdict. */
export interface Check {
  check: string
  outcome: 'passed' | 'failed' | 'not_reached'
  reason?: Reason
  /**
   * Expected and found value (`aud: expected one of "api", "web"; found "account"`), times and limits, advice. It
   * quotes values of the token: bytes that are not printable ASCII as `\\xff`, at most 100 bytes of a value, at most 5
   * values of a list. Show it to those who run the gate; do not log it or send it to the token's sender.
   */
  detail?: string
}
