import { challenge, isScopeToken } from '../http/bearer.ts'
import { type CorsPolicy, isPreflight, preflightResponse, withCors } from '../http/cors.ts'
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
  const policy = cors && policyOf(cors)
  const scope = [...(options.scope ?? [])]
  return async (request, env, ctx = {}) => {
    if (policy !== undefined && isPreflight(request)) return preflightResponse(request, policy)
    const authenticated = authenticate(request, env, scope, ctx)
    const verdict = isSettled(authenticated) ? authenticated : await authenticated
    const responding = verdict.ok ? handler(request, env as Env, ctx, verdict) : challenge(verdict)
    const response = responding instanceof Response ? responding : await responding
    return policy === undefined ? response : withCors(response, request, policy)
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
const EXPOSED_HEADERS = ['WWW-Authenticate']

function policyOf({ origins, methods = DEFAULT_METHODS, headers = DEFAULT_HEADERS, maxAgeSeconds = DEFAULT_MAX_AGE_SECONDS }: CorsOptions): CorsPolicy {
  return { origins, methods, headers, maxAgeSeconds, exposed: EXPOSED_HEADERS, credentials: 'omit' }
}
