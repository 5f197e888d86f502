import { challenge, isScopeToken } from '../http/bearer.ts'
import { isPreflight, preflightResponse, withCors } from '../http/cors.ts'
import { checkOptions, list, rule, type Rules, shape } from '../options.ts'
import type { ExecutionContextLike, ProtectedHandler, ProtectOptions, Verdict } from '../types.ts'
import { CORS_RULES, corsPolicy } from './cors-policy.ts'
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
  const policy = cors && corsPolicy(cors)
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

const PROTECT_RULES: Rules = {
  scope: list(rule('a scope token (RFC 6749 §3.3)', isScopeToken)),
  cors: shape(CORS_RULES),
}
