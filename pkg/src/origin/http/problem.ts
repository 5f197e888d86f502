import { challengeOf } from '../../http/bearer.ts'
import { PortcullisError } from '../../errors.ts'
import type { Refused } from '../../types.ts'
import { json } from './response.ts'

/** A refused request, thrown by routes. It contains nothing that the client sent. */
export class Problem extends Error {
  readonly status: number
  /** The `error` of the response. */
  readonly error: string
  /** Its `error_description`. */
  readonly description: string | undefined
  readonly headers: Record<string, string>

  constructor(status: number, error: string, description?: string, headers: Record<string, string> = {}) {
    super(error)
    this.status = status
    this.error = error
    this.description = description
    this.headers = headers
  }

  /** True for authentication and authorization failures. */
  get isRefusal(): boolean {
    return (
      this.status === 401 || this.status === 403 || this.error === 'invalid_grant' || this.error === 'invalid_client'
    )
  }

  /** Whether it counts as a failed attempt: a credential was presented and refused. */
  get isFailure(): boolean {
    return this.isRefusal && this.error !== 'missing_token'
  }
}

/** Returns the refusal of a missing or invalid bearer token (RFC 6750 §3). */
export function refusedToken(refused: Refused): Problem {
  const { status, error, description, headers } = challengeOf(refused)
  return new Problem(status, error, description, headers)
}

/** Returns the refusal for too many failures of this address with this account (RFC 6585 §4). */
export function tooManyFailures(retryAfterSeconds: number): Problem {
  return new Problem(429, 'too_many_failures', 'too many failed attempts: wait and try again', {
    'retry-after': String(retryAfterSeconds),
  })
}

/** Returns the only form of error response: `{error, error_description?}`. */
export function problemResponse({ status, error, description, headers }: Problem): Response {
  return json(status, description === undefined ? { error } : { error, error_description: description }, headers)
}

/** Maps an error to the response for the client; `undefined` for an unexpected error. */
export function problemFor(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error
  if (!(error instanceof PortcullisError)) return undefined
  switch (error.code) {
    case 'too_large':
      return new Problem(413, 'invalid_request', 'the body is too large')
    case 'timed_out':
      return new Problem(408, 'invalid_request', 'the body did not arrive in time', { connection: 'close' })
    case 'body_unreadable':
      return new Problem(400, 'invalid_request', 'the body was cut short')
    case 'unknown_realm':
      return new Problem(404, 'not_found', 'unknown realm')
    case 'invalid_event':
      // Its message names a rule and repeats no input.
      return new Problem(400, 'invalid_request', error.message)
    case 'fault':
      return error.detail === 'core_failed' ? coreFailed() : undefined
    case 'store_unavailable':
      return error.detail === 'core_failed'
        ? coreFailed()
        : new Problem(500, 'server_error', 'nothing was recorded: the store failed')
    case 'store_corrupt':
    case 'store_locked':
    case 'store_newer':
      return new Problem(500, 'server_error', 'nothing was recorded: the store failed')
    case 'jwks_unreachable':
      return new Problem(503, 'temporarily_unavailable', 'the keys of the issuer are not available at the moment', {
        'retry-after': '2',
      })
    case 'closed':
      return new Problem(503, 'temporarily_unavailable', 'the origin is closing', { 'retry-after': '2' })
    default:
      return undefined
  }
}

/** The failure was reported when it happened. */
function coreFailed(): Problem {
  return new Problem(500, 'server_error', 'nothing was recorded: the core of this origin has failed; restart it')
}
