import { type CorsPolicy, isAllowedOrigin, isPreflight, preflightResponse, withCors as shared } from '../../http/cors.ts'
import { UPSTREAM_HEADER } from './upstream.ts'

/** How long a browser may cache a preflight. */
const MAX_AGE_SECONDS = 600

/** Headers that browsers may send, and that scripts may read. */
const ALLOWED_HEADERS = ['authorization', 'content-type', 'portcullis-csrf']
const EXPOSED_HEADERS = ['www-authenticate', 'retry-after', 'link', 'etag', UPSTREAM_HEADER]

/**
 * Answers a preflight from one of `origins`; `methods` are those of the path. `undefined` for every other request: one from
 * another origin learns neither the members of the list nor that there is one.
 */
export function preflight(
  request: Request,
  origins: readonly string[],
  methods: readonly string[],
): Response | undefined {
  const policy = policyOf(origins, methods)
  return isPreflight(request) && isAllowedOrigin(request, policy) ? preflightResponse(request, policy) : undefined
}

/**
 * The same answer, readable by scripts of `origins`; to be the last step of every answer, refusals and preflights too. With
 * `include` also to requests with cookies; the origin itself looks at none.
 */
export function withCors(
  request: Request,
  origins: readonly string[],
  answer: Response,
  credentials: 'omit' | 'include' = 'omit',
): Response {
  return origins.length === 0 ? answer : shared(answer, request, policyOf(origins, [], credentials))
}

function policyOf(origins: readonly string[], methods: readonly string[], credentials: CorsPolicy['credentials'] = 'omit'): CorsPolicy {
  return { origins, methods, headers: ALLOWED_HEADERS, exposed: EXPOSED_HEADERS, maxAgeSeconds: MAX_AGE_SECONDS, credentials }
}
