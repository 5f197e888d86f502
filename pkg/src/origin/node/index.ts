import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  callback,
  checkOptions,
  defaultsOf,
  given,
  invalid,
  list,
  milliseconds,
  required,
  rule,
  type Rule,
  type Rules,
  string,
  withDefault,
} from '../../options.ts'
import { listenError } from './listen-error.ts'
import { MalformedRequest, requestOf } from './request.ts'
import { writeResponse } from './response.ts'
import { network, TrustedProxies } from './trusted-proxies.ts'
import type { RequestSource } from '../api.ts'

/** Responds to a request, given its source. */
export type Answerer = (request: Request, source: RequestSource) => Response | Promise<Response>

/** A request handler: an `Origin`, or a function that composes several. */
export type Fetchable = { fetch: Answerer } | Answerer

export interface ServeOptions {
  /** 0 selects any free port; `url` states which. Allowed: 0 to 65535. */
  port: number
  /** The address to bind; `0.0.0.0` or `::` for all. Default `127.0.0.1` (only this machine reaches it). */
  hostname?: string
  /**
   * The proxies in front of this server, as addresses or blocks of them, such as `10.0.0.0/8`. Only their
   * `X-Forwarded-For` and `X-Forwarded-Proto` are used, for the client's address and whether it used https. Default:
   * none.
   */
  trustedProxies?: string[]
  /** How long requests may continue after `close`. Allowed: 0 to 2147483647. Default 500. */
  closeTimeoutMs?: number
  /**
   * How long a connection may be silent both ways while a request is in progress. A client that does not read its
   * response is disconnected, and its memory is freed. A handler must begin to respond within this time. 0: no limit.
   * Allowed: 0 to 2147483647. Default 120000 (long polls take 25 s, and streams send a heartbeat at least every 5 s).
   */
  idleTimeoutMs?: number
  /** Called with the errors of handlers; the client gets only a 500. Default: `console.error`. */
  onError?: (error: unknown) => void
}

export interface Server {
  /** The URL at which it listens, such as `http://127.0.0.1:8780`. */
  url: string
  port: number
  /**
   * Stops accepting connections, and resolves when the last one has ended. Requests in progress continue for
   * `closeTimeoutMs` and are then aborted. Close the origin meanwhile: that ends its streams, which otherwise never
   * end.
   */
  close(): Promise<void>
}

/** The largest header section, in bytes: an access token may have 16 KiB, and there are other headers. */
const MAX_HEADER_BYTES = 32_768
/** How long a client may take to send its headers, and its whole request: limits for slow-loris attacks. */
const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 30_000
/** How often Node checks for clients that are too slow; the limits above may be exceeded by this much. */
const TIMEOUT_CHECK_MS = 1_000

const LISTENER_RULES: Rules = { trustedProxies: list(network), onError: callback }

const MAX_PORT = 65_535

export const PORT: Rule<number> = {
  ...rule(
    `a port, 0 to ${MAX_PORT}`,
    (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_PORT,
  ),
  parts: { least: 0, most: MAX_PORT },
}

const SERVE = {
  port: required(PORT),
  hostname: withDefault(string, '127.0.0.1'),
  trustedProxies: withDefault(list(network), []),
  closeTimeoutMs: withDefault(milliseconds, 500),
  idleTimeoutMs: withDefault(milliseconds, 120_000),
  onError: callback,
} satisfies Rules

/** Options of `serve`. */
export const SERVE_RULES: Rules = SERVE

/** Serves requests with Node's http server. Rejects with `invalid_option` and `listen_failed`. */
export async function serve(handler: Fetchable, options: ServeOptions): Promise<Server> {
  checkOptions(options, SERVE_RULES)
  const {
    port,
    hostname,
    closeTimeoutMs,
    idleTimeoutMs,
    onError = logError,
    trustedProxies,
  } = { ...defaultsOf(SERVE), ...given(options) }
  const limits = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
  }
  const listener = toNodeListener(handler, { onError, trustedProxies })
  const server = createServer(limits, (incoming, outgoing) => {
    // A request on a kept-alive connection is still answered, as the last one.
    if (!server.listening) outgoing.shouldKeepAlive = false
    listener(incoming, outgoing)
  })
  server.timeout = idleTimeoutMs
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(listenError(cause, port, hostname)))
    server.listen(port, hostname, resolve)
  })
  // A later error, such as running out of file descriptors, must not terminate the process.
  server.on('error', onError)
  const bound = (server.address() as AddressInfo).port
  return {
    url: `http://${hostname.includes(':') ? `[${hostname}]` : hostname}:${bound}`,
    port: bound,
    async close(): Promise<void> {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      const timer = setTimeout(() => server.closeAllConnections(), closeTimeoutMs)
      await closed
      clearTimeout(timer)
    },
  }
}

/** Returns a listener for `http.createServer`, or for a framework that accepts one. Throws `invalid_option`. */
export function toNodeListener(
  handler: Fetchable,
  options: Pick<ServeOptions, 'onError' | 'trustedProxies'> = {},
): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  checkOptions(options, LISTENER_RULES)
  if (typeof handler !== 'function' && typeof handler?.fetch !== 'function') {
    throw invalid('the handler must be an origin or a function from Request to Response; await createOrigin first')
  }
  const answer: Answerer = typeof handler === 'function' ? handler : (request, source) => handler.fetch(request, source)
  const { onError = logError, trustedProxies = [] } = options
  const proxies = new TrustedProxies(trustedProxies)
  return (incoming, outgoing) => void respond({ answer, proxies, onError }, incoming, outgoing)
}

interface Listener {
  answer: Answerer
  proxies: TrustedProxies
  onError: (error: unknown) => void
}

async function respond(
  { answer, proxies, onError }: Listener,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  // A response that was sent completely needs no abort.
  outgoing.once('close', () => outgoing.writableFinished || gone.abort())
  let response: Response
  try {
    const { address, scheme } = proxies.sourceOf(incoming)
    const source: RequestSource = address === undefined ? { connection: 'unaddressed' } : { address }
    response = await answer(requestOf(incoming, scheme, gone.signal), source)
  } catch (error) {
    if (!(error instanceof MalformedRequest)) onError(error)
    response = failure(error, incoming.method)
  }
  await writeResponse(response, incoming, outgoing)
}

/** The methods that a standard `Request` cannot have (Fetch §2.2.1); no route here has them. */
const FORBIDDEN_METHODS = ['CONNECT', 'TRACE', 'TRACK']

function failure(error: unknown, method: string | undefined): Response {
  if (method !== undefined && FORBIDDEN_METHODS.includes(method.toUpperCase())) {
    return Response.json(
      { error: 'method_not_allowed' },
      { status: 405, headers: { allow: 'GET, HEAD, POST, PUT, DELETE' } },
    )
  }
  const malformed = error instanceof MalformedRequest
  return Response.json({ error: malformed ? 'invalid_request' : 'server_error' }, { status: malformed ? 400 : 500 })
}

function logError(error: unknown): void {
  console.error('portcullis: a request failed', error)
}
