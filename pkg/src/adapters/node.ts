import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Accepted, AccessOptions, Claims } from '../types.ts'
import { adapterError } from './errors.ts'
import { type AnyGate, mustBeGate, mustHaveHandler } from './gate-argument.ts'
import { drain, type Incoming, type IncomingPush, pushOf, requestLike } from './incoming.ts'
import { isOver, type Outgoing, writeResponse } from './outgoing.ts'

export { requestLike }

/** Middleware as in connect: calls `next()` once `request.auth` is set, or `next(error)`. */
export type Middleware<Req = IncomingMessage, Res = ServerResponse> = (
  request: Req,
  response: Res,
  next: (error?: unknown) => void,
) => void

/** A listener for `http.createServer`. */
export type Listener<Req = IncomingMessage, Res = ServerResponse> = (request: Req, response: Res) => void

/**
 * Returns a listener for `http.createServer` whose handler only sees accepted requests. An error of the gate or handler
 * is logged by `console.error` and responded to with 500; the process continues. Throws `invalid_option` immediately.
 */
export function protect<C extends Claims = Claims>(
  gate: AnyGate,
  handler: (request: IncomingMessage & { auth: Accepted<C> }, response: ServerResponse) => unknown,
  options?: AccessOptions<C>,
): Listener
/** Returns a listener for `http2.createServer`, otherwise as above; the handler declares the types of its arguments. */
export function protect<C extends Claims = Claims>(
  gate: AnyGate,
  handler: (request: Http2ServerRequest & { auth: Accepted<C> }, response: Http2ServerResponse) => unknown,
  options?: AccessOptions<C>,
): Listener<Http2ServerRequest, Http2ServerResponse>
/**
 * Returns middleware that passes accepted requests on with the verdict in `request.auth` and sends refusals for others
 * (RFC 6750 §3). An error, such as `authorize_failed`, is passed to `next`. Throws `invalid_option` immediately.
 */
export function protect<C extends Claims = Claims>(
  gate: AnyGate,
  options?: AccessOptions<C>,
): Middleware<Incoming, Outgoing>
export function protect(
  gate: AnyGate,
  second?: AccessOptions | Handler,
  third?: AccessOptions,
): Middleware<never, never> {
  mustHaveHandler(second, third)
  if (typeof second !== 'function') return middleware(gate, second)
  const check = middleware(gate, third)
  return (request: Incoming, response: Outgoing, next: Next = (error) => fail(error, response)) =>
    check(request, response, (error) => {
      if (error !== undefined) return next(error)
      void new Promise((resolve) => resolve(second(request as never, response as never, next))).catch(next)
    })
}

/** Returns middleware or a listener that responds to the origin's pushes. Throws `invalid_option` immediately. */
export function receiveFeed(
  gate: AnyGate,
): (request: IncomingPush, response: Outgoing, next?: (error?: unknown) => void) => void {
  mustBeGate(gate, 'receiveFeed')
  return (request, response, next = (error) => fail(error, response)) => {
    const answer = async (): Promise<void> => {
      await writeResponse(await gate.receiveFeed(pushOf(request)), response)
      drain(request)
    }
    answer().catch(next)
  }
}

type Next = (error?: unknown) => void
type Handler = (request: never, response: never, next: Next) => unknown

function middleware(
  gate: AnyGate,
  options: AccessOptions | undefined,
): Middleware<Incoming & { auth?: Accepted }, Outgoing> {
  mustBeGate(gate, 'protect')
  const authenticate = gate.authenticator(options)
  return (request, response, next = (error) => fail(error ?? noHandler(), response)) => {
    const refuse = async (refusal: Response): Promise<void> => {
      await writeResponse(refusal, response)
      if (!isOver(response))
        throw adapterError(
          'wrong_request',
          'the response was started before the gate refused: put protect before handlers that respond',
        )
    }
    authenticate(requestLike(request)).then((verdict) => {
      if (!verdict.ok) return void refuse(gate.challenge(verdict)).catch(next)
      if (response.writableEnded) return
      request.auth = verdict
      next()
    }, next)
  }
}

function noHandler(): Error {
  return adapterError(
    'invalid_option',
    'protect(gate) is middleware: for http.createServer pass the handler as well, protect(gate, handler)',
  )
}

/** Responds to an error if no framework handles it. */
function fail(error: unknown, response: Outgoing): void {
  console.error('portcullis: a request failed', error)
  if (isOver(response)) return
  // The response is incomplete: only closing the connection tells the client so.
  if (response.headersSent) return void response.destroy()
  const body = { error: 'server_error', error_description: 'The request could not be handled.' }
  void writeResponse(Response.json(body, { status: 500, headers: { 'cache-control': 'no-store' } }), response)
}
