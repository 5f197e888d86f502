import type { Accepted, AccessOptions, Claims, HostOptions, WaitUntil } from '../types.ts'
import { bodyReadBefore } from './errors.ts'
import { type AnyGate, mustBeGate, mustHaveHandler } from './gate-argument.ts'

/** The members used of `NextFetchEvent`. */
interface FetchEventLike {
  waitUntil?: WaitUntil
}

/**
 * Returns a handler for `route.ts`: `export const GET = protect(gate, (request, auth) => …)`. The handler's third
 * argument is Next's context, with `params`.
 */
export function protect<C extends Claims = Claims, Req extends Request = Request, Context = unknown, Result = Response>(
  gate: AnyGate,
  handler: (request: Req, auth: Accepted<C>, context: Context) => Result | Promise<Result>,
  options?: AccessOptions<C>,
): (request: Req, context: Context) => Promise<Response | Result>
/**
 * Returns a function for `proxy.ts`: `export const proxy = protect(gate)`. It resolves to the refusal (RFC 6750 §3), or
 * to `undefined`, on which Next continues to the route. Errors are thrown, for Next. Throws `invalid_option`
 * immediately.
 */
export function protect<C extends Claims = Claims>(
  gate: AnyGate,
  options?: AccessOptions<C>,
): (request: Request, event?: FetchEventLike) => Promise<Response | undefined>
export function protect(
  gate: AnyGate,
  second?: AccessOptions | Handler,
  third?: AccessOptions,
): (request: never, context?: never) => Promise<unknown> {
  mustBeGate(gate, 'protect')
  mustHaveHandler(second, third)
  const handler = typeof second === 'function' ? second : undefined
  const authenticate = gate.authenticator(typeof second === 'function' ? third : second)
  return async (request, context) => {
    const verdict = await authenticate(request, handler === undefined ? hostOf(context) : undefined)
    return verdict.ok ? handler?.(request, verdict as never, context as never) : gate.challenge(verdict)
  }
}

/**
 * Returns a route handler for the origin's pushes: `export const POST = receiveFeed(gate)`. Throws `invalid_option`
 * immediately.
 */
export function receiveFeed(gate: AnyGate): (request: Request) => Promise<Response> {
  mustBeGate(gate, 'receiveFeed')
  return async (request) => {
    if (request.bodyUsed) throw bodyReadBefore()
    return gate.receiveFeed(request)
  }
}

type Handler = (request: never, auth: never, context: never) => unknown

function hostOf(event: FetchEventLike | undefined): HostOptions<never> | undefined {
  return event?.waitUntil === undefined ? undefined : { waitUntil: (promise) => event.waitUntil?.(promise) }
}
