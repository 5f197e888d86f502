import { PortcullisError } from '../../../../errors.ts'
import { exchange, type Exchanged } from '../../../../http/exchange.ts'
import { checkTransport } from '../../../../http/plain-http.ts'
import { failure, type FailureDetail } from './failure.ts'

export interface KeycloakHttpOptions {
  /** The base of Keycloak's paths, without a trailing slash, such as `https://example/auth`. */
  baseUrl: string
  fetch: typeof fetch
  plainHttp: 'loopback' | 'anywhere'
  /** The time limit of one request, including its body. */
  timeoutMs: number
}

export interface KeycloakRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below `baseUrl`; each member is one segment, percent-encoded here. */
  path: readonly string[]
  /** A name may repeat. */
  query?: readonly (readonly [string, string])[]
  headers?: Record<string, string>
  body?: string
  /** The largest body read. Default 4 MiB. */
  maxBytes?: number
}

/** Keycloak's response, with any status that concerns the request itself. */
export interface KeycloakAnswer {
  status: number
  /** The parsed JSON body; `undefined` if it is empty. */
  body: unknown
}

const MAX_BODY_BYTES = 4 * 1024 * 1024
/**
 * Names that no path can carry. URL parsers (WHATWG URL §4.4), and proxies that decode slashes first, resolve dot
 * segments: the name would then choose the rest of the path. A lone surrogate has no UTF-8.
 */
const UNSENDABLE = /^$|(?:^|[/\\])\.{1,2}(?:[/\\;]|$)|\p{Surrogate}/u

/** Requests to one Keycloak: only to the web origin of `baseUrl`, bounded, and without following redirects. */
export class KeycloakHttp {
  readonly #options: KeycloakHttpOptions
  readonly #baseUrl: URL
  /** The controllers of requests in progress. */
  readonly #running = new Set<AbortController>()
  #closed = false

  /** Throws `invalid_option` for a `baseUrl` that would send credentials in clear text over a network. Does no I/O. */
  constructor(options: KeycloakHttpOptions) {
    this.#options = options
    this.#baseUrl = new URL(options.baseUrl)
    checkTransport(this.#baseUrl, options.plainHttp, 'options.baseUrl')
  }

  /** The host of `baseUrl`, for errors. */
  get host(): string {
    return this.#baseUrl.host
  }

  /**
   * Rejects with `connector_failed`: `unreachable`, `timeout`, `redirect`, `too_large`, `not_json` or `server_error`.
   */
  async send(request: KeycloakRequest): Promise<KeycloakAnswer> {
    // Keycloak cannot have an object of that name.
    if (request.path.some((segment) => UNSENDABLE.test(segment))) return { status: 404, body: undefined }
    const { status, bytes } = await this.#exchange(request)
    if (isTemporary(status))
      throw failure(
        'server_error',
        `${this.host} responded with status ${status}: check the log of Keycloak, or of the proxy in front of it`,
      )
    return { status, body: this.#parse(status, bytes) }
  }

  /** Aborts requests in progress and all later ones. */
  close(): void {
    this.#closed = true
    for (const controller of this.#running) controller.abort()
  }

  async #exchange(request: KeycloakRequest): Promise<Exchanged> {
    const { fetch, timeoutMs } = this.#options
    const { method, headers = {}, body, maxBytes = MAX_BODY_BYTES } = request
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(), timeoutMs)
    this.#running.add(controller)
    if (this.#closed) controller.abort()
    try {
      return await exchange(this.#urlOf(request), {
        fetch,
        errorCode: 'connector_failed',
        maxBytes,
        signal: controller.signal,
        method,
        headers: { accept: 'application/json', ...headers },
        ...(body === undefined ? {} : { body }),
        readsBodyOf: (status) => !isTemporary(status),
      })
    } catch (cause) {
      throw cause instanceof PortcullisError ? failure(detailOf(cause), cause.message, cause) : cause
    } finally {
      clearTimeout(timer)
      this.#running.delete(controller)
    }
  }

  #urlOf({ path, query = [] }: KeycloakRequest): URL {
    const url = new URL([this.#options.baseUrl, ...path.map(encodeURIComponent)].join('/'))
    url.search = new URLSearchParams(query.map(([name, value]) => [name, value])).toString()
    return url
  }

  /** Detects JSON by its content: nothing else reliably distinguishes Keycloak's errors from a proxy's pages. */
  #parse(status: number, bytes: Uint8Array): unknown {
    if (bytes.byteLength === 0) return undefined
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown
    } catch (cause) {
      // A proxy may send a page with these statuses; the status suffices.
      if (status === 401 || status === 403) return undefined
      throw failure(
        'not_json',
        `${this.host} sent something other than JSON, such as a login page: check baseUrl, and any proxy in front of Keycloak`,
        cause,
      )
    }
  }
}

/**
 * Whether the same request may succeed later: after a failure of the server, or when a proxy limits requests (RFC 6585
 * §4, RFC 9110 §15.5.9).
 */
function isTemporary(status: number): boolean {
  return status >= 500 || status === 408 || status === 429
}

function detailOf({ detail }: PortcullisError): FailureDetail {
  switch (detail) {
    case 'timeout':
    case 'redirect':
    case 'too_large':
      return detail
    default:
      return 'unreachable'
  }
}
