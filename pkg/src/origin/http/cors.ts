/** How long a browser may keep what a preflight said. */
const MAX_AGE_SECONDS = 600

/** What browsers may send, and what scripts may read besides the headers that are always readable (Fetch §3.3). */
const ALLOWED_HEADERS = 'authorization, content-type, portcullis-csrf'
const EXPOSED_HEADERS = 'www-authenticate, retry-after, link, etag'

/**
 * Answers a preflight (Fetch §3.3.2) from one of `origins`; `methods` are those of the path. `undefined` for every
 * other request: one from another origin hears nothing of who is on the list, nor that there is one.
 */
export function preflight(
  request: Request,
  origins: readonly string[],
  methods: readonly string[],
): Response | undefined {
  const asks = request.method === 'OPTIONS' && request.headers.has('access-control-request-method')
  if (!asks || listed(request, origins) === undefined) return undefined
  const headers = {
    'access-control-allow-methods': methods.join(', '),
    'access-control-allow-headers': ALLOWED_HEADERS,
    'access-control-max-age': String(MAX_AGE_SECONDS),
  }
  return new Response(null, { status: 204, headers })
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
  if (origins.length === 0) return answer
  // An answer's own headers may be immutable.
  const shared = new Response(answer.body, answer)
  // Also for those who are not on the list: a cache must not hand their answer to those who are.
  shared.headers.append('vary', 'Origin')
  const origin = listed(request, origins)
  if (origin === undefined) return shared
  shared.headers.set('access-control-allow-origin', origin)
  shared.headers.set('access-control-expose-headers', EXPOSED_HEADERS)
  if (credentials === 'include') shared.headers.set('access-control-allow-credentials', 'true')
  return shared
}

function listed(request: Request, origins: readonly string[]): string | undefined {
  const origin = request.headers.get('origin')
  return origins.find((each) => each === origin)
}
