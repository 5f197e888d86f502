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

/** Headers that browsers may send, and that scripts may read. */
const ALLOWED_HEADERS = ['authorization', 'content-type', 'portcullis-csrf']
const EXPOSED_HEADERS = ['www-authenticate', 'retry-after', 'link', 'etag', UPSTREAM_HEADER]

export interface OriginCorsOptions {
  corsOrigins: CorsOrigins
  /** `include`: requests with cookies, too; the origin itself looks at none. */
  credentials: CorsPolicy['credentials']
  report: OriginReporter
}

/** Whose pages may ask the origin, and an issuer beside it, by scripts. */
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

  /** Whose pages may read the response to a request. Never rejects. */
  readableBy(request: Request): ReadableBy | Promise<ReadableBy> {
    return readableBy(request, this.#policy, this.#report)
  }

  /**
   * Answers a preflight of a page that may ask; `methods` are those of the path. `undefined` for every other request: a
   * page that may not learns neither the members of the list nor that there is one.
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

  /** The same response, readable by those pages; to be the last step of every response, refusals and preflights too. */
  share(response: Response, by: ReadableBy): Response {
    return this.#isOff ? response : withCors(response, by, this.#policy)
  }

  /**
   * Whether a page of this very origin, or of one that is allowed by name, sent the request. Scripts can forge neither
   * header (Fetch §2.2.2), and other clients send neither.
   */
  async isOwnPage(request: Request): Promise<boolean> {
    if (request.headers.get('sec-fetch-site') === 'same-origin') return true
    return !this.#policy.origins.isAny && (await this.readableBy(request)) !== undefined
  }
}
