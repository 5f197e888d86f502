import { challenge, isScopeToken } from '../bearer.ts'
import { checkOptions, either, list, oneOf, required, rule, type Rules, seconds, shape, webOrigin } from '../options.ts'
import type {
  AuthenticateOptions, CorsOptions, ExecutionContextLike, ProtectedHandler, ProtectOptions, Verdict,
} from '../types.ts'

type Authenticate<Env> = (request: Request, options: AuthenticateOptions<Env>) => Promise<Verdict>

/** A worker's `fetch` that only lets accepted requests through. Throws `invalid_option`. */
export function protect<Env>(
  authenticate: Authenticate<Env>,
  handler: ProtectedHandler<Env>,
  options: ProtectOptions = {},
): (request: Request, env?: Env, ctx?: ExecutionContextLike) => Promise<Response> {
  checkOptions(options, PROTECT_RULES)
  const { cors, scope } = options
  return async (request, env, ctx = {}) => {
    if (cors !== undefined && isPreflight(request)) return preflight(request, cors)
    const verdict = await authenticate(request, {
      ...(env === undefined ? {} : { env }),
      ...(scope === undefined ? {} : { scope }),
      // Called on its context, which is what workerd's `waitUntil` insists on.
      ...(ctx.waitUntil === undefined ? {} : { waitUntil: (promise) => ctx.waitUntil?.(promise) }),
    })
    const response = verdict.ok ? await handler(request, env as Env, ctx, verdict) : challenge(verdict)
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

/** The same response, readable by the allowed origins; what a handler answers may have immutable headers. */
function shared(response: Response, request: Request, cors: CorsOptions): Response {
  // Protocol switches and network errors cannot be made anew and are of no use to another origin.
  if (response.status < 200) return response
  const copy = new Response(response.body, response)
  if (allow(copy.headers, request, cors)) copy.headers.append('access-control-expose-headers', 'WWW-Authenticate')
  return copy
}

/** Says who may read the answer; caches must keep the answers for different origins apart. */
function allow(headers: Headers, request: Request, { origins }: CorsOptions): boolean {
  headers.append('vary', 'Origin')
  const origin = request.headers.get('origin')
  if (origins !== '*' && (origin === null || !origins.includes(origin))) return false
  headers.set('access-control-allow-origin', origins === '*' ? '*' : (origin ?? ''))
  return true
}
