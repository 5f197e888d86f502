import type { IncomingMessage } from 'node:http'
import type { NextFunction, Request, Response } from 'express'
import type { Accepted, AccessOptions, Claims } from '../types.ts'
import type { AnyGate } from './gate-argument.ts'
import type { Incoming } from './incoming.ts'
import { type Middleware, protect as protectNode, receiveFeed } from './node.ts'
import type { Outgoing } from './outgoing.ts'

export { type Middleware, receiveFeed }

/**
 * A request behind `app.use(protect(gate))`: `(req: AuthRequest, res) => req.auth?.claims.sub`. For connect:
 * `AuthRequest<Claims, IncomingMessage>`. Express's own type is not extended, since other packages declare its `auth`
 * otherwise; where one of them is installed, such as express-oauth2-jwt-bearer, give `protect` the handler.
 */
export type AuthRequest<C extends Claims = Claims, Req extends IncomingMessage = Request> = Req & { auth?: Accepted<C> }

/** The request that a handler given to `protect` gets. */
export type ProtectedRequest<C extends Claims = Claims> = Omit<Request, 'auth'> & { auth: Accepted<C> }

/**
 * The handler of one route, which only sees accepted requests: `app.get('/me', protect(gate, (req, res) => …))`. What
 * it throws goes to `next`, in Express 4 too. Throws `invalid_option` at once.
 */
export function protect<C extends Claims = Claims>(
  gate: AnyGate,
  handler: (req: ProtectedRequest<C>, res: Response, next: NextFunction) => unknown,
  options?: AccessOptions<C>,
): Middleware<Incoming, Outgoing>
/**
 * Middleware for Express 4 and 5, and for connect: lets accepted requests through, with the verdict in `req.auth`;
 * others get their refusal (RFC 6750 §3). An error, such as `authorize_failed`, goes to `next`. Throws `invalid_option`
 * at once.
 */
export function protect<C extends Claims = Claims>(
  gate: AnyGate,
  options?: AccessOptions<C>,
): Middleware<Incoming, Outgoing>
export function protect(gate: AnyGate, second?: unknown, third?: unknown): Middleware<Incoming, Outgoing> {
  return untyped(gate, second, third)
}

/** The same function serves both: it uses nothing that Express adds. */
const untyped = protectNode as unknown as (gate: AnyGate, ...more: unknown[]) => Middleware<Incoming, Outgoing>
