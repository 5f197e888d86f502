import { challenge, isScopeToken } from '../http/bearer.ts'
import { checkOptions, either, list, oneOf, required, rule, type Rules, seconds, shape, webOrigin } from '../options.ts'
import type { CorsOptions, ExecutionContextLike, ProtectedHandler, ProtectOptions, Verdict } from '../types.ts'
import { isSettled } from './verdict.ts'

/** The verdict on a request, itself where nothing must be awaited. */
type Authenticate<Env> = (
  request: Request,
  env: Env | undefined,
  scope: readonly string[],
  ctx: ExecutionContextLike,
) => Verdict | Promise<Verdict>

/** A worker's `fetch` that only lets accepted requests through. Throws `invalid_option`. */
export function protect<Env>(
  authenticate: Authenticate<Env>,
  handler: ProtectedHandler<Env>,
  options: ProtectOptions = {},
): (request: Request, env?: Env, ctx?: ExecutionContextLike) => Promise<Response> {
  checkOptions(options, PROTECT_RULES)
  const { cors } = options
  const scope = [...(options.scope ?? [])]
  return async (request, env, ctx = {}) => {
    if (cors !== undefined && isPreflight(request)) return preflight(request, cors)
    const authenticated = authenticate(request, env, scope, ctx)
    const verdict = isSettled(authenticated) ? authenticated : await authenticated
    const responding = verdict.ok ? handler(request, env as Env, ctx, verdict) : challenge(verdict)
    const response = responding instanceof Response ? responding : await responding
    return cors === undefined ? response : shared(response, request, cors)
  }
}

/** RFC 9110 §5.6.2: methods and field names are tokens. */
const token = rule('a method or header name', (value) => typeof value === 'string' && /^[\w!#$%&'*+.^`|~-]+$/.test(value))

const CORS_RULES: Rules = {
  origins: required(either(oneOf('*'), list(webOrigin, 1))),
  methods: list(token, 1),
  headers: list(token),
  maxAgeSeconds: seconds,
}

const PROTECT_RULES: Rules = {
  scope: list(rule('a scope token (RFC 6749 §3.3)', isScopeToken)),
  cors: shape(CORS_RULES),
}

const DEFAULT_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
const DEFAULT_HEADERS = ['Authorization', 'Content-Type']
const DEFAULT_MAX_AGE_SECONDS = 600

/** A browser asking whether it may ask (Fetch §3.2.2). It carries no credentials, so it is answered without any. */
function isPreflight(request: Request): boolean {
  return request.method === 'OPTIONS' && request.headers.has('access-control-request-method') && request.headers.has('origin')
}

function preflight(request: Request, cors: CorsOptions): Response {
  const headers = new Headers()
  if (allow(headers, request, cors)) {
    headers.set('access-control-allow-methods', (cors.methods ?? DEFAULT_METHODS).join(', '))
    headers.set('access-control-allow-headers', (cors.headers ?? DEFAULT_HEADERS).join(', '))
    headers.set('access-control-max-age', String(cors.maxAgeSeconds ?? DEFAULT_MAX_AGE_SECONDS))
  }
  return new Response(null, { status: 204, headers })
}

/** The same response, readable by the allowed origins. */
function shared(response: Response, request: Request, cors: CorsOptions): Response {
  // Protocol switches and network errors cannot be made anew and are of no use to another origin.
  if (response.status < 200) return response
  try {
    share(response.headers, request, cors)
    return response
  } catch {
    // What was fetched has immutable headers. Only then a copy: a body that is taken out is a stream, which costs more than all else.
    const copy = new Response(response.body, response)
    share(copy.headers, request, cors)
    return copy
  }
}

function share(headers: Headers, request: Request, cors: CorsOptions): void {
  if (allow(headers, request, cors)) add(headers, 'access-control-expose-headers', 'WWW-Authenticate')
}

/** Says who may read the answer. Where that depends on who asks, caches must keep the answers apart. */
function allow(headers: Headers, request: Request, { origins }: CorsOptions): boolean {
  if (origins === '*') {
    headers.set('access-control-allow-origin', '*')
    return true
  }
  add(headers, 'vary', 'Origin')
  const origin = request.headers.get('origin')
  if (origin !== null && origins.includes(origin)) {
    headers.set('access-control-allow-origin', origin)
    return true
  }
  // A response without a body may be answered again, and still say what it said to another origin.
  headers.delete('access-control-allow-origin')
  return false
}

/** Adds to a list in a header, unless it is there. */
function add(headers: Headers, name: string, member: string): void {
  const list = headers.get(name)
  if (list === null) headers.set(name, member)
  else if (!list.split(',').some((each) => each.trim().toLowerCase() === member.toLowerCase())) headers.append(name, member)
}
