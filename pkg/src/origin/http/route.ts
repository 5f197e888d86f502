import type { Act } from '../api.ts'
import type { Context } from './context.ts'
import type { Operation } from './operation.ts'

/** One request on its way to a route. */
export interface Call {
  context: Context
  request: Request
  url: URL
  /** Returns a part of the path, decoded. */
  parameter(name: string): string
  /** The network of the client's address, used for limits; `''` if the host does not state it. */
  network: string
  /** Returns the caller for the audit log, with an administrator's `?reason=`. Throws a `Problem` (400). */
  act(): Act
  /**
   * States the account whose secret is about to be tried. Throws a `Problem` (429) if this address has failed too often
   * with it, or with all accounts together. If the request ends in 401, 403, `invalid_grant` or `invalid_client`, that
   * counts as another failure.
   */
  attempt(account: string): void
}

export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Such as `/feed/{realm}/manifest`. */
  path: string
  /** The group in which the OpenAPI document lists the route. */
  tag: 'revocation' | 'connectors' | 'administration' | 'feed' | 'operations'
  /**
   * `administrator` of `{realm}`; `reader` of the feed; `monitor` of the origin; `anybody` if the route itself checks
   * the caller.
   */
  access: 'administrator' | 'reader' | 'monitor' | 'anybody'
  operation: Operation
  handle(call: Call): Response | Promise<Response>
}
