import type { Context, Handler, MiddlewareHandler } from 'hono'
import type { Accepted, AccessOptions, Claims, HostOptions } from '../types.ts'
import { bodyReadBefore } from './errors.ts'
import { type AnyGate, mustBeGate } from './gate-argument.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** The verdict on the request, after `protect`. */
    auth: Accepted
  }
}

/**
 * Returns middleware that passes accepted requests on with the verdict in `c.get('auth')` and sends refusals for others
 * (RFC 6750 §3). The gate gets `c.env`, and `waitUntil` if the runtime has it. Errors are thrown, for `app.onError`.
 * Throws `invalid_option` immediately.
 */
export function protect<C extends Claims = Claims>(
  gate: AnyGate,
  options?: AccessOptions<C>,
): MiddlewareHandler<{ Variables: { auth: Accepted<C> } }> {
  mustBeGate(gate, 'protect')
  const authenticate = gate.authenticator(options)
  return async (c, next) => {
    const verdict = await authenticate(c.req.raw, hostOf(c))
    if (!verdict.ok) return gate.challenge(verdict)
    c.set('auth', verdict)
    await next()
  }
}

/**
 * Returns a handler for the origin's pushes: `app.post('/portcullis/feed', receiveFeed(gate))`. Throws `invalid_option`
 * immediately.
 */
export function receiveFeed(gate: AnyGate): Handler {
  mustBeGate(gate, 'receiveFeed')
  return async (c) => {
    if (c.req.raw.bodyUsed) throw bodyReadBefore()
    return gate.receiveFeed(c.req.raw, hostOf(c))
  }
}

/** Reads `c.executionCtx` only when there is something to wait for, because it throws if the runtime has none. */
function hostOf(c: Context): HostOptions<never> {
  return { env: c.env as never, waitUntil: (promise) => c.executionCtx.waitUntil(promise) }
}
