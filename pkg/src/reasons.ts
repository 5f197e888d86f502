/**
 * Why a token was refused: one list, in this order, for the Rust core, TypeScript, the test vectors and the docs (the
 * page www/docs/reference/reasons.md lists the usual cause and fix of each).
 */
export const REASONS = [
  'missing_token',
  'invalid_request',
  'malformed',
  'unsupported_algorithm',
  'unknown_key',
  'banned_key',
  'bad_signature',
  'wrong_type',
  'wrong_issuer',
  'wrong_audience',
  'missing_claim',
  'expired',
  'not_yet_valid',
  'issued_in_future',
  'lifetime_exceeded',
  'token_revoked',
  'session_revoked',
  'grant_revoked',
  'client_revoked',
  'user_revoked',
  'realm_revoked',
  'version_revoked',
  'cross_site',
  'insufficient_scope',
  'keys_unavailable',
  'stale_feed',
  'no_feed',
] as const

export type Reason = (typeof REASONS)[number]

/**
 * 400: the request contradicts itself. 401: the token is not accepted. 403: it is not authorized. 503: the gate cannot
 * decide.
 */
export type RefusalStatus = 400 | 401 | 403 | 503

/** Returns the HTTP status of a refusal: RFC 6750 §3.1, or 503 if the gate itself cannot decide. */
export function statusOf(reason: Reason): RefusalStatus {
  switch (reason) {
    case 'keys_unavailable':
    case 'stale_feed':
    case 'no_feed':
      return 503
    case 'cross_site':
    case 'insufficient_scope':
      return 403
    case 'invalid_request':
      return 400
    default:
      return 401
  }
}
