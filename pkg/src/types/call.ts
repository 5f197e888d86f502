import type { AccessOptions } from './access.ts'
import type { CorsOptions } from './cors.ts'
import type { Accepted, Claims } from './verdict.ts'

/** Extends the request's lifetime for work after its response: Cloudflare's `ctx.waitUntil`. */
export type WaitUntil = (promise: Promise<unknown>) => void

/**
 * For gates whose options come from an `env`. It may be omitted while one gate is open; with several, calls without it
 * throw `invalid_option` (`detail: 'env_needed'`), because the tenant would be ambiguous.
 */
export interface EnvOption<Env = unknown> {
  env?: Env
}

/** `env` and `waitUntil`. A runtime's execution context conforms. */
export interface HostOptions<Env = unknown> extends EnvOption<Env> {
  waitUntil?: WaitUntil
}

export interface ScopeOption {
  /** Scopes that must all be granted (RFC 6749 §3.3); else `insufficient_scope`. Default: none. */
  scope?: string[]
}

export interface CheckSyncOptions<Env = unknown> extends EnvOption<Env>, ScopeOption {}

export interface CheckOptions<Env = unknown> extends HostOptions<Env>, ScopeOption {}

export interface AuthenticateOptions<Env = unknown, C extends Claims = Claims>
  extends HostOptions<Env>,
    AccessOptions<C> {}

export interface ProtectOptions<C extends Claims = Claims> extends AccessOptions<C> {
  /**
   * The other origins that may read responses. The headers are set on the handler's own response, or on a copy if they
   * are immutable.
   */
  cors?: CorsOptions
}

/** The members of a worker's execution context used here. */
export interface ExecutionContextLike {
  waitUntil?: WaitUntil
}

export type ProtectedHandler<Env = unknown, C extends Claims = Claims> = (
  request: Request,
  env: Env,
  ctx: ExecutionContextLike,
  auth: Accepted<C>,
) => Response | Promise<Response>
