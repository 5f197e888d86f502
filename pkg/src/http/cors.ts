import type { AllowedOrigins, OriginReporter } from './allowed-origins.ts'

/** Which pages of other origins may send requests and read the responses (Fetch §3.3). */
export interface CorsPolicy {
  readonly origins: AllowedOrigins
  /** Headers that scripts may read besides those that they always may. */
  readonly exposed: readonly string[]
  /** `include`: requests with cookies, too; not with every origin. */
  readonly credentials: 'omit' | 'include'
  /** Methods and headers that a preflight allows. */
  readonly methods: readonly string[]
  readonly headers: readonly string[]
  /** How long a browser may remember that. */
  readonly maxAgeSeconds: number
}

/** Whose pages may read a response: those of one other origin, of every one (`*`), or none. */
export type ReadableBy = string | undefined

/** Whether a request is a CORS preflight (Fetch §3.2.2), which carries no credentials and needs none. */
export function isPreflight(request: Request): boolean {
  return (
    request.method === 'OPTIONS' &&
    request.headers.has('access-control-request-method') &&
    request.headers.has('origin')
  )
}

/** Whose pages may read the response to a request. Never rejects. */
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

/** Answers a preflight: with permissions where its origin is allowed, else without. */
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

/** The same response, readable by those pages; to be the last step of every response, refusals too. */
export function withCors(response: Response, by: ReadableBy, policy: CorsPolicy): Response {
  // Protocol switches and network errors cannot be made anew and are of no use to another origin.
  if (response.status < 200) return response
  try {
    share(response.headers, by, policy)
    return response
  } catch {
    // Fetched responses have immutable headers. Only then a copy: a body that is taken out is a stream, which costs
    // more than all else.
    const copy = new Response(response.body, response)
    share(copy.headers, by, policy)
    return copy
  }
}

function share(headers: Headers, by: ReadableBy, policy: CorsPolicy): void {
  allow(headers, by, policy)
  if (by !== undefined) add(headers, 'access-control-expose-headers', policy.exposed)
}

/** Sets who may read the response. Where that depends on the request, caches must keep the responses apart. */
function allow(headers: Headers, by: ReadableBy, { origins, credentials }: CorsPolicy): void {
  if (!origins.isAny) add(headers, 'vary', ['Origin'])
  // A response without a body may be answered again, and still have the headers for another origin.
  set(headers, 'access-control-allow-origin', by)
  set(headers, 'access-control-allow-credentials', by !== undefined && credentials === 'include' ? 'true' : undefined)
}

function set(headers: Headers, name: string, value: string | undefined): void {
  if (value === undefined) headers.delete(name)
  else headers.set(name, value)
}

/** Adds missing members to a list in a header. */
function add(headers: Headers, name: string, members: readonly string[]): void {
  const list = headers.get(name)
  if (list === null) return headers.set(name, members.join(', '))
  const known = list.split(',').map((each) => each.trim().toLowerCase())
  const missing = members.filter((each) => !known.includes(each.toLowerCase()))
  if (missing.length > 0) headers.append(name, missing.join(', '))
}
