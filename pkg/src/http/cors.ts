/** Which pages of other origins may send requests and read the responses (Fetch §3.3). */
export interface CorsPolicy {
  /** Origins exactly as browsers send them, or `*` for any. */
  readonly origins: readonly string[] | '*'
  /** Headers that scripts may read besides those that they always may. */
  readonly exposed: readonly string[]
  /** `include`: requests with cookies, too; not with `*`. */
  readonly credentials: 'omit' | 'include'
  /** Methods and headers that a preflight allows. */
  readonly methods: readonly string[]
  readonly headers: readonly string[]
  /** How long a browser may remember that. */
  readonly maxAgeSeconds: number
}

/** Whether a request is a CORS preflight (Fetch §3.2.2), which carries no credentials and needs none. */
export function isPreflight(request: Request): boolean {
  return request.method === 'OPTIONS' && request.headers.has('access-control-request-method') && request.headers.has('origin')
}

/** Whether a request comes from an origin that may read the response. */
export function isAllowedOrigin(request: Request, { origins }: CorsPolicy): boolean {
  const origin = request.headers.get('origin')
  return origins === '*' || (origin !== null && origins.includes(origin))
}

/** Answers a preflight: with permissions where the origin is allowed, else without. */
export function preflightResponse(request: Request, policy: CorsPolicy): Response {
  const headers = new Headers()
  if (allow(headers, request, policy)) {
    headers.set('access-control-allow-methods', policy.methods.join(', '))
    headers.set('access-control-allow-headers', policy.headers.join(', '))
    headers.set('access-control-max-age', String(policy.maxAgeSeconds))
  }
  return new Response(null, { status: 204, headers })
}

/** The same response, readable by the allowed origins; to be the last step of every response, refusals too. */
export function withCors(response: Response, request: Request, policy: CorsPolicy): Response {
  // Protocol switches and network errors cannot be made anew and are of no use to another origin.
  if (response.status < 200) return response
  try {
    share(response.headers, request, policy)
    return response
  } catch {
    // Fetched responses have immutable headers. Only then a copy: a body that is taken out is a stream, which costs more than all else.
    const copy = new Response(response.body, response)
    share(copy.headers, request, policy)
    return copy
  }
}

function share(headers: Headers, request: Request, policy: CorsPolicy): void {
  if (allow(headers, request, policy)) add(headers, 'access-control-expose-headers', policy.exposed)
}

/** Sets which origins may read the response. Where that depends on the request, caches must keep the responses apart. */
function allow(headers: Headers, request: Request, policy: CorsPolicy): boolean {
  if (policy.origins === '*') {
    headers.set('access-control-allow-origin', '*')
    return true
  }
  add(headers, 'vary', ['Origin'])
  if (isAllowedOrigin(request, policy)) {
    headers.set('access-control-allow-origin', request.headers.get('origin') ?? '')
    if (policy.credentials === 'include') headers.set('access-control-allow-credentials', 'true')
    return true
  }
  // A response without a body may be answered again, and still have the headers for another origin.
  headers.delete('access-control-allow-origin')
  return false
}

/** Adds missing members to a list in a header. */
function add(headers: Headers, name: string, members: readonly string[]): void {
  const list = headers.get(name)
  if (list === null) return headers.set(name, members.join(', '))
  const known = list.split(',').map((each) => each.trim().toLowerCase())
  const missing = members.filter((each) => !known.includes(each.toLowerCase()))
  if (missing.length > 0) headers.append(name, missing.join(', '))
}
