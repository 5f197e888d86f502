import type { IncomingMessage } from 'node:http'
import type { Request } from 'express'
import type { Accepted, AccessOptions, Claims } from '../types.ts'
import type { AnyGate } from './gate-argument.ts'
import type { Incoming } from './incoming.ts'
import { type Middleware, protect as protectNode, receiveFeed } from './node.ts'
import type { Outgoing } from './outgoing.ts'

export { type Middleware, receiveFeed }

/**
 * A request that has passed `protect`: `(req: AuthRequest, res) => req.auth?.claims.sub`. Express's own type is not extended, since
 * other packages declare its `auth` otherwise. For connect: `AuthRequest<Claims, IncomingMessage>`.
 */
export type AuthRequest<C extends Claims = Claims, Req extends IncomingMessage = Request> = Req & { auth?: Accepted<C> }

/**
 * Middleware for Express 4 and 5, and for connect: lets accepted requests through, with the verdict in `req.auth`; others get their
 * refusal (RFC 6750 §3). An error, such as `authorize_failed`, goes to `next`. Throws `invalid_option` at once.
 */
export function protect<C extends Claims = Claims>(gate: AnyGate, options?: AccessOptions<C>): Middleware<Incoming, Outgoing> {
  return protectNode(gate, options)
}
