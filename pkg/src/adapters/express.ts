import type { IncomingMessage } from 'node:http'
import type { NextFunction, Request, Response } from 'express'
import type { Accepted, AccessOptions, Claims } from '../types.ts'
import type { AnyGate } from './gate-argument.ts'
import type { Incoming } from './incoming.ts'
import { type Middleware, protect as protectNode, receiveFeed } from './node.ts'
import type { Outgoing } from './outgoing.ts'

export { type Middleware, receiveFeed }

/**
 * A request after `app.use(protect(gate))`: `(req: AuthRequest, res) => req.auth?.claims.sub`. For connect:
 * `AuthRequest<Claims, IncomingMessage>`. Express's own type is not extended, because other packages declare its `auth`
 * differently; if one of them is installed, such as express-oauth2-jwt-bearer, pass the handler to `protect`.
 */
export type AuthRequest<C extends Claims = Claims, Req extends IncomingMessage = Request> = Req & { auth?: Accepted<C> }

/** The request passed to a handler of `protect`. */
export type ProtectedRequest<C extends Claims = Claims> = Omit<Request, 'auth'> & { auth: Accepted<C> }

/**
 * Returns the handler of one route, which only sees accepted requests: `app.get('/me', protect(gate, (req, res) =>
 * …))`. Errors that it throws are passed to `next`, in Express 4 too. Throws `invalid_option` immediately.
 */
export function protect<C extends Claims = Claims>(
  gate: AnyGate,
  handler: (req: ProtectedRequest<C>, res: Response, next: NextFunction) => unknown,
  options?: AccessOptions<C>,
): Middleware<Incoming, Outgoing>
/**
 * Returns middleware for Express 4 and 5, and for connect. It passes accepted requests on with the verdict in
 * `req.auth` and sends refusals for others (RFC 6750 §3). An error, such as `authorize_failed`, is passed to `next`.
 * Throws `invalid_option` immediately.
 */
export function protect<C extends Claims = Claims>(
  gate: AnyGate,
  options?: AccessOptions<C>,
): Middleware<Incoming, Outgoing>
export function protect(gate: AnyGate, second?: unknown, third?: unknown): Middleware<Incoming, Outgoing> {
  return untyped(gate, second, third)
}

/** The same function serves both, because it uses nothing that Express adds. */
const untyped = protectNode as unknown as (gate: AnyGate, ...more: unknown[]) => Middleware<Incoming, Outgoing>
