import type { AllowedOrigins, OriginReporter } from './allowed-origins.ts'

/** The pages of other origins that may send requests and read responses (Fetch §3.3), and how. */
export interface CorsPolicy {
  readonly origins: AllowedOrigins
  /** Headers that scripts may read besides the safelisted ones. */
  readonly exposed: readonly string[]
  /** `include`: requests may carry cookies; not allowed with every origin. */
  readonly credentials: 'omit' | 'include'
  /** Methods and headers that a preflight allows. */
  readonly methods: readonly string[]
  readonly headers: readonly string[]
  /** How long a browser may cache a preflight. */
  readonly maxAgeSeconds: number
}

/** The origin whose pages may read a response: one other origin, every origin (`*`), or none. */
export type ReadableBy = string | undefined

/** Returns whether a request is a CORS preflight (Fetch §3.2.2), which carries no credentials and needs none. */
export function isPreflight(request: Request): boolean {
  return (
    request.method === 'OPTIONS' &&
    request.headers.has('access-control-request-method') &&
    request.headers.has('origin')
  )
}

/** Returns whose pages may read the response to a request. Never rejects. */
export function readableBy(
  request: Request,
  { origins }: CorsPolicy,
  report: OriginReporter,
): ReadableBy | Promise<ReadableBy> {
  if (origins.isAny) return '*'
  origins.warnOnce(report)
  const origin = request.headers.get('origin')
  const allowed = origins.allows(origin, report)
  const result = (isAllowed: boolean): ReadableBy => (isAllowed && origin !== null ? origin : undefined)
  return typeof allowed === 'boolean' ? result(allowed) : allowed.then(result)
}

/** Returns the response to a preflight, with permissions if its origin is allowed. */
export function preflightResponse(by: ReadableBy, policy: CorsPolicy): Response {
  const headers = new Headers()
  allow(headers, by, policy)
  if (by !== undefined) {
    headers.set('access-control-allow-methods', policy.methods.join(', '))
    headers.set('access-control-allow-headers', policy.headers.join(', '))
    headers.set('access-control-max-age', String(policy.maxAgeSeconds))
  }
  return new Response(null, { status: 204, headers })
}

/** Returns the response, readable by those pages. It must be the last step of every response, including refusals. */
export function withCors(response: Response, by: ReadableBy, policy: CorsPolicy): Response {
  // Protocol switches and network errors cannot be copied, and other origins cannot use them.
  if (response.status < 200) return response
  try {
    share(response.headers, by, policy)
    return response
  } catch {
    // Headers of fetched responses are immutable. Other responses are not copied: taking the body out turns it into a
    // stream, which costs more than everything else.
    const copy = new Response(response.body, response)
    share(copy.headers, by, policy)
    return copy
  }
}

function share(headers: Headers, by: ReadableBy, policy: CorsPolicy): void {
  allow(headers, by, policy)
  if (by !== undefined) add(headers, 'access-control-expose-headers', policy.exposed)
}

/** Sets who may read the response. If that depends on the request, caches must keep the responses apart. */
function allow(headers: Headers, by: ReadableBy, { origins, credentials }: CorsPolicy): void {
  if (!origins.isAny) add(headers, 'vary', ['Origin'])
  // A response without a body may be reused, and still have the headers of another origin.
  set(headers, 'access-control-allow-origin', by)
  set(headers, 'access-control-allow-credentials', by !== undefined && credentials === 'include' ? 'true' : undefined)
}

function set(headers: Headers, name: string, value: string | undefined): void {
  if (value === undefined) headers.delete(name)
  else headers.set(name, value)
}

/** Adds the missing members to a list in a header. */
function add(headers: Headers, name: string, members: readonly string[]): void {
  const list = headers.get(name)
  if (list === null) return headers.set(name, members.join(', '))
  const known = list.split(',').map((each) => each.trim().toLowerCase())
  const missing = members.filter((each) => !known.includes(each.toLowerCase()))
  if (missing.length > 0) headers.append(name, missing.join(', '))
}
