import type { Reason, RefusalStatus } from '../reasons.ts'
import { statusOf } from '../reasons.ts'
import type { Refused } from '../types.ts'

/** The bearer credentials of a request: none, the string after the scheme (well-formed or not), or more than one. */
export type Presented = { kind: 'nothing' } | { kind: 'token'; token: string } | { kind: 'several' }

/**
 * Returns the token of an `Authorization` header (RFC 6750 §2.1). The scheme is case-insensitive (RFC 9110 §11.1).
 * Another scheme counts as no credentials; a bare `Bearer` yields the empty token, which is malformed. Two headers
 * arrive as one value with a comma (Fetch §2.2.2), which no token contains.
 */
export function bearerToken(headers: Pick<Headers, 'get'>): Presented {
  const value = headers.get('authorization')
  if (value === null) return { kind: 'nothing' }
  if (value.includes(',') && SEVERAL.test(value)) return { kind: 'several' }
  // A shortcut for the spelling that nearly all clients use.
  if (value.startsWith(USUAL) && value.charCodeAt(USUAL.length) !== SPACE)
    return { kind: 'token', token: value.slice(USUAL.length).trimEnd() }
  const match = /^ *bearer(?: +(.*))?$/is.exec(value)
  if (match !== null) return { kind: 'token', token: match[1]?.trimEnd() ?? '' }
  // A tab or control character after the scheme is not a separator, so these are malformed credentials.
  return /^ *bearer[^\w!#$%&'*+.^`|~-]/i.test(value) ? { kind: 'token', token: '' } : { kind: 'nothing' }
}

/**
 * Matches credentials before a comma, or the scheme after one. Other schemes use commas themselves (RFC 9110 §11.4).
 */
const SEVERAL = /^ *bearer +[^,]*,|,[ \t]*bearer(?:[ \t,]|$)/i
const USUAL = 'Bearer '
const SPACE = 0x20

/** Seconds until a client may retry after a 503 (RFC 9110 §10.2.3). */
const RETRY_AFTER_SECONDS = 2

/** The parts of a refusal's HTTP response (RFC 6750 §3). None contains any part of the token. */
interface Challenge {
  status: RefusalStatus
  error: string
  description: string
  headers: Record<string, string>
}

export function challengeOf({ reason, scope, advice }: Refused): Challenge {
  const status = statusOf(reason)
  const error = errorOf(reason)
  const description = isDescription(advice) ? advice : DESCRIPTIONS[reason]
  return { status, error, description, headers: headersOf(reason, credentials(error, description, scope)) }
}

function headersOf(reason: Reason, credentials: string): Record<string, string> {
  if (statusOf(reason) === 503) return { 'retry-after': String(RETRY_AFTER_SECONDS) }
  // Credentials would not help: the request itself must come from another page.
  if (reason === 'cross_site') return {}
  return { 'www-authenticate': reason === 'missing_token' ? 'Bearer' : credentials }
}

/** Returns the response for a refusal. */
export function challenge(refused: Refused): Response {
  const { status, error, description, headers } = challengeOf(refused)
  const body = JSON.stringify({ error, error_description: description })
  return new Response(body, {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  })
}

/** Returns the response for a failed function among the gate's options. Only the operator learns what failed. */
export function serverError(): Response {
  const body = JSON.stringify({
    error: 'server_error',
    error_description: 'The server could not check this request; the cause was reported to its operator.',
  })
  return new Response(body, {
    status: 500,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  })
}

/** Returns whether a value is one scope token (RFC 6749 §3.3), which is safe in a header and has no spaces. */
export function isScopeToken(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value)
}

/**
 * Returns whether a string can be sent as `error_description`. Other characters would end the quoted string (RFC 6750
 * §3).
 */
function isDescription(text: string | undefined): text is string {
  return text !== undefined && /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/.test(text)
}

function credentials(error: string, description: string, scope: string[] | undefined): string {
  const parameters = [`error="${error}"`, `error_description="${description}"`]
  const named = (scope ?? []).filter(isScopeToken)
  if (named.length > 0) parameters.push(`scope="${named.join(' ')}"`)
  return `Bearer ${parameters.join(', ')}`
}

/**
 * Returns the error code of RFC 6750 §3.1. It defines none for a request without credentials or for one that another
 * site may have caused: `missing_token` and `cross_site`, sent in the body only, are our own.
 */
function errorOf(reason: Reason): string {
  switch (statusOf(reason)) {
    case 503:
      return 'temporarily_unavailable'
    case 403:
      return reason === 'cross_site' ? 'cross_site' : 'insufficient_scope'
    case 400:
      return 'invalid_request'
    case 401:
      return reason === 'missing_token' ? 'missing_token' : 'invalid_token'
  }
}

/**
 * One sentence for each reason, using the characters that RFC 6750 §3 allows in `error_description` (no quotes, no
 * backslash).
 */
const DESCRIPTIONS: Readonly<Record<Reason, string>> = {
  missing_token: 'An access token is required.',
  invalid_request: 'The request presents more than one access token: send one, in one way.',
  malformed: 'The access token is empty or malformed: send it exactly as issued.',
  unsupported_algorithm: 'The access token is signed with an algorithm that is not accepted.',
  unknown_key: 'The access token is signed with an unknown key.',
  banned_key: 'The access token is signed with a key that was withdrawn.',
  bad_signature: 'The signature of the access token is invalid.',
  wrong_type: 'The token is not an access token of an accepted type.',
  wrong_issuer: 'The access token comes from another issuer.',
  wrong_audience: 'The access token is meant for another audience.',
  missing_claim: 'The access token lacks a required claim.',
  expired: 'The access token has expired.',
  not_yet_valid: 'The access token is not valid yet.',
  issued_in_future: 'The access token was issued in the future.',
  lifetime_exceeded: 'The lifetime of the access token is longer than accepted.',
  token_revoked: 'The access token was revoked.',
  session_revoked: 'The session of the access token was ended.',
  grant_revoked: 'The tokens of the user for this app were revoked.',
  client_revoked: 'The tokens of the client were revoked.',
  user_revoked: 'The user was logged out.',
  realm_revoked: 'All tokens of the issuer were revoked.',
  version_revoked: 'The version of the access token is older than accepted.',
  cross_site:
    'Neither Sec-Fetch-Site nor Origin shows that a page of this site sent the cookie: call from the same origin, or have your origin allowed.',
  insufficient_scope: 'The access token does not grant the required scope.',
  keys_unavailable: 'The keys of the issuer are currently not available.',
  stale_feed: 'The revocation state is currently too old.',
  no_feed: 'The revocation state is not available yet.',
}
