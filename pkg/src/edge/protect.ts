import { challenge, serverError } from '../http/bearer.ts'
import { isPreflight, preflightResponse, readableBy, withCors } from '../http/cors.ts'
import { PortcullisError } from '../errors.ts'
import { checkOptions, type Rules, shape } from '../options.ts'
import type { Claims, ExecutionContextLike, ProtectedHandler, ProtectOptions, RequestLike, Verdict } from '../types.ts'
import { type Access, ACCESS_RULES, accessOf } from './access/settings.ts'
import { withoutSubprotocol } from './access/subprotocol.ts'
import { mustBeEnv, mustBeRequest } from './access/web-request.ts'
import { CORS_RULES, corsPolicy } from './cors-policy.ts'
import { isSettled } from './verdict.ts'

/** The members of the gate used here. */
interface Authentication<Env> {
  /** Returns the verdict on a request, itself if nothing must be awaited. */
  authenticate<C extends Claims>(
    access: Access<C>,
    request: RequestLike,
    env: Env | undefined,
    ctx: ExecutionContextLike,
  ): Verdict<C> | Promise<Verdict<C>>
  reportOptions(error: PortcullisError, env: Env | undefined): void
}

/** Returns a worker's `fetch` that passes only accepted requests to the handler. Throws `invalid_option`. */
export function protect<Env, C extends Claims>(
  gate: Authentication<Env>,
  handler: ProtectedHandler<Env, C>,
  options: ProtectOptions<C> = {},
): (request: Request, env?: Env, ctx?: ExecutionContextLike) => Promise<Response> {
  checkOptions(options, PROTECT_RULES)
  const policy = options.cors && corsPolicy(options.cors, 'options.cors')
  const access = accessOf(options)
  const { subprotocol } = access
  // Nearly always the `env` of the last request.
  let knownEnv: Env | undefined
  return async (request, env, ctx = {}) => {
    mustBeRequest(request)
    if (env !== knownEnv) mustBeEnv(env)
    knownEnv = env
    // A function that must be awaited decides while the token is checked.
    const by = policy && readableBy(request, policy, (error) => gate.reportOptions(error, env))
    if (policy !== undefined && isPreflight(request)) return preflightResponse(await by, policy)
    let verdict: Verdict<C> | undefined
    try {
      const authenticated = gate.authenticate(access, request, env, ctx)
      verdict = isSettled(authenticated) ? authenticated : await authenticated
    } catch (error) {
      if (!isFailedFunction(error)) throw error
      gate.reportOptions(error, env)
    }
    const responding =
      verdict === undefined
        ? serverError()
        : verdict.ok
          ? handler(request, env as Env, ctx, verdict)
          : challenge(verdict)
    let response = responding instanceof Response ? responding : await responding
    if (subprotocol !== undefined) response = withoutSubprotocol(response, request, subprotocol) ?? echoed(gate, env)
    return policy === undefined ? response : withCors(response, await by, policy)
  }
}

const PROTECT_RULES: Rules = {
  ...ACCESS_RULES,
  cors: shape(CORS_RULES),
}

/** Returns the response that replaces one that chooses the token's subprotocol and cannot be changed. */
function echoed<Env>(gate: Authentication<Env>, env: Env | undefined): Response {
  const message =
    "the handler's response chooses the subprotocol of the token and cannot be changed: choose the application's own"
  gate.reportOptions(new PortcullisError('fault', message, { detail: 'subprotocol_echoed' }), env)
  return serverError()
}

/** Returns whether a function among the options failed, which no client can remedy. */
function isFailedFunction(error: unknown): error is PortcullisError {
  return (
    error instanceof PortcullisError &&
    (error.code === 'authorize_failed' || (error.code === 'invalid_option' && error.detail === 'token'))
  )
}
