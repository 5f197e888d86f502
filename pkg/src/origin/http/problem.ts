import { challengeOf } from '../../http/bearer.ts'
import { PortcullisError } from '../../errors.ts'
import type { Refused } from '../../types.ts'
import { json } from './response.ts'

/** A refused request. Routes throw it; nothing that the client sent stands in it. */
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

  /** Whether the client was refused for its identity. */
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

/** A bearer token that was refused, or is missing (RFC 6750 §3). */
export function refusedToken(refused: Refused): Problem {
  const { status, error, description, headers } = challengeOf(refused)
  return new Problem(status, error, description, headers)
}

/** This address failed too often with this account (RFC 6585 §4). */
export function tooManyFailures(retryAfterSeconds: number): Problem {
  return new Problem(429, 'too_many_failures', 'too many failed attempts: wait and try again', {
    'retry-after': String(retryAfterSeconds),
  })
}

/** The one form of error: `{error, error_description?}`. */
export function problemResponse({ status, error, description, headers }: Problem): Response {
  return json(status, description === undefined ? { error } : { error, error_description: description }, headers)
}

/** Maps an error to the response that a client gets; `undefined`: an unexpected error. */
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
      // Its message names a rule, and repeats nothing.
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

/** It has been reported when it happened. */
function coreFailed(): Problem {
  return new Problem(
    500,
    'server_error',
    'nothing was recorded: the core of this origin has failed, and it must be started again',
  )
}
