import { AllowedOrigins, type OriginReporter } from '../../http/allowed-origins.ts'
import {
  type CorsPolicy,
  isPreflight,
  preflightResponse,
  type ReadableBy,
  readableBy,
  withCors,
} from '../../http/cors.ts'
import type { CorsOrigins } from '../../types.ts'
import { UPSTREAM_HEADER } from './upstream.ts'

/** How long a browser may cache a preflight. */
const MAX_AGE_SECONDS = 600

/** Headers that browsers may send, and headers that scripts may read. */
const ALLOWED_HEADERS = ['authorization', 'content-type', 'portcullis-csrf']
const EXPOSED_HEADERS = ['www-authenticate', 'retry-after', 'link', 'etag', UPSTREAM_HEADER]

interface OriginCorsOptions {
  corsOrigins: CorsOrigins
  /** `include` also allows requests with cookies; the origin itself uses none. */
  credentials: CorsPolicy['credentials']
  report: OriginReporter
}

/** Decides which pages' scripts may call the origin, and an issuer beside it. */
export class OriginCors {
  readonly #policy: CorsPolicy
  readonly #isOff: boolean
  readonly #report: OriginReporter

  /** Reports patterns that include pages of strangers. */
  constructor({ corsOrigins, credentials, report }: OriginCorsOptions) {
    const origins = new AllowedOrigins(corsOrigins, 'options.corsOrigins')
    this.#policy = {
      origins,
      credentials,
      exposed: EXPOSED_HEADERS,
      methods: [],
      headers: ALLOWED_HEADERS,
      maxAgeSeconds: MAX_AGE_SECONDS,
    }
    this.#isOff = corsOrigins.length === 0 && Array.isArray(corsOrigins)
    this.#report = report
    origins.warnOnce(report)
  }

  /** Returns which pages may read the response to a request. Never rejects. */
  readableBy(request: Request): ReadableBy | Promise<ReadableBy> {
    return readableBy(request, this.#policy, this.#report)
  }

  /**
   * Responds to a preflight of an allowed page; `methods` are those of the path. Returns `undefined` for every other
   * request, so that a page that is not allowed learns neither the members of the list nor that one exists.
   */
  async preflight(
    request: Request,
    by: ReadableBy | Promise<ReadableBy>,
    methods: readonly string[],
  ): Promise<Response | undefined> {
    if (!isPreflight(request)) return undefined
    const readable = await by
    return readable === undefined ? undefined : preflightResponse(readable, { ...this.#policy, methods })
  }

  /**
   * Makes the response readable by those pages. It must be the last step of every response, including refusals and
   * preflights.
   */
  share(response: Response, by: ReadableBy): Response {
    return this.#isOff ? response : withCors(response, by, this.#policy)
  }

  /**
   * Whether a page of this origin, or of one allowed by name, sent the request. Scripts cannot forge either header
   * (Fetch §2.2.2), and other clients send neither.
   */
  async isOwnPage(request: Request): Promise<boolean> {
    if (request.headers.get('sec-fetch-site') === 'same-origin') return true
    return !this.#policy.origins.isAny && (await this.readableBy(request)) !== undefined
  }
}
