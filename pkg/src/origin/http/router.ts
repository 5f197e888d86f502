import { bearerToken } from '../../http/bearer.ts'
import { admitAdministrator, type Administrator } from './admin-auth.ts'
import type { Act } from '../store/audit-entry.ts'
import type { Context } from './context.ts'
import type { FailureLimiter, Target } from './failure-limiter.ts'
import { networkOf } from '../../http/network-of-address.ts'
import type { Operation } from './operation.ts'
import { Problem, refusedToken, tooManyFailures } from './problem.ts'
import { notingRefusals } from '../audit/refusals.ts'
import { invalidRequest, MAX_PARAMETER_CHARACTERS } from './input.ts'
import { sameSecret } from '../same-secret.ts'
import { isLocal } from './require-https.ts'
import type { RequestSource } from '../api.ts'

/** The longest reason that an administrator may give, in characters. */
const MAX_REASON_CHARACTERS = 256

/** One request on its way to a route. */
export interface Call {
  context: Context
  request: Request
  url: URL
  /** A part of the path, decoded. */
  parameter(name: string): string
  /** From where, as what is bounded for each client is counted; `''`: the host does not say. */
  network: string
  /** Who asks, where the route is for administrators. */
  administrator: Administrator | undefined
  /** What the audit log is to say of who asks; only an administrator's `?reason=` is. Throws a `Problem` (400). */
  act(actor?: string): Act
  /**
   * Says on whose account a secret is about to be tried. Throws a `Problem` (429) when this address has failed too
   * often with it, or with all accounts together; should the request end in 401, 403, `invalid_grant` or
   * `invalid_client`, that counts as another failure.
   */
  attempt(account: string): void
}

export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Such as `/feed/{realm}/manifest`. */
  path: string
  /**
   * `administrator` of `{realm}`; `reader` of the feed; `monitor` of the origin; `anybody`: the route itself says who.
   */
  access: 'administrator' | 'reader' | 'monitor' | 'anybody'
  operation: Operation
  handle(call: Call): Response | Promise<Response>
}

/** What stands at one path. */
export interface Resource {
  /** The pattern of its path. */
  path: string
  /** The realm in its path, where that is one of ours. */
  realm: string | undefined
  methods: readonly string[]
  /**
   * Checks who asks and runs the route of the method. Throws a `Problem` (405 without such a route), or what the route
   * throws.
   */
  answer(request: Request, source: RequestSource): Promise<Response>
}

/** Finds what stands at a path; `undefined`: nothing. */
export type Router = (url: URL) => Resource | undefined

export function createRouter(context: Context, routes: readonly Route[]): Router {
  const compiled = routes.map((route) => ({ route, pattern: route.path.split('/') })).sort(byParameters)
  return (url) => {
    const segments = url.pathname.split('/')
    const first = compiled.find(({ pattern }) => matches(pattern, segments))
    if (first === undefined) return undefined
    const here = compiled.filter(({ route }) => route.path === first.route.path)
    const methods = here.flatMap(({ route: { method } }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    const named = segments[first.pattern.indexOf('{realm}')]
    return {
      path: first.route.path,
      realm: named !== undefined && context.feeds.has(named) ? named : undefined,
      methods,
      async answer(request, source) {
        const method = request.method === 'HEAD' ? 'GET' : request.method
        const found = here.find(({ route }) => route.method === method)
        if (found === undefined) throw new Problem(405, 'method_not_allowed', undefined, { allow: methods.join(', ') })
        const parameter = (name: string): string => decode(segments[found.pattern.indexOf(`{${name}}`)] ?? '')
        const response = await handle(context, found.route, { request, source, url, parameter, named: named ?? '' })
        return request.method === 'HEAD' ? withoutBody(response) : response
      },
    }
  }
}

interface Arrival extends Pick<Call, 'request' | 'url' | 'parameter'> {
  source: RequestSource
  /**
   * The realm as it stands in the path: a realm's name needs no escapes, and nothing is validated before who asks is
   * known.
   */
  named: string
}

function handle(context: Context, route: Route, { source, named, ...arrival }: Arrival): Promise<Response> {
  const { request, url } = arrival
  const attempts = new Attempts(context.failures, source.address)
  const attempt = (account: string): void => attempts.attempt(account)
  const admitted = async (): Promise<Response> => {
    const administrator = await admit(context, route, request, source, named)
    const act = (actor?: string): Act =>
      administrator === undefined ? actOf(source, actor) : actOfAdministrator(url, source, administrator)
    return route.handle({ context, ...arrival, network: networkOf(source.address), administrator, act, attempt })
  }
  const presents = request.headers.has('authorization') || route.access === 'anybody'
  const counted = (): Promise<Response> => attempts.counting(admitted, presents ? route.path : undefined)
  return notingRefusals(context, { route, realm: named, address: source.address }, counted)
}

/** The failures of one request's client. */
class Attempts {
  readonly #failures: FailureLimiter
  readonly #address: string | undefined
  #account: Target | undefined

  constructor(failures: FailureLimiter, address: string | undefined) {
    this.#failures = failures
    this.#address = address
  }

  attempt(account: string): void {
    this.#account = { kind: 'account', name: account }
    this.#admit(this.#account)
  }

  /**
   * Counts a failure against the account that was named, else against `route`, for which only failures are turned away: a
   * good token is let in whatever others behind the same address do. `undefined`: nothing was presented to guess at.
   */
  async counting(answer: () => Promise<Response>, route: string | undefined): Promise<Response> {
    try {
      return await answer()
    } catch (error) {
      if (error instanceof Problem && error.isFailure) this.#failed(route)
      throw error
    }
  }

  #failed(route: string | undefined): void {
    const target = this.#account ?? (route === undefined ? undefined : { kind: 'route' as const, name: route })
    if (target === undefined) return
    if (target.kind === 'route') this.#admit(target)
    this.#failures.failed(this.#address, target)
  }

  #admit(target: Target): void {
    const seconds = this.#failures.retryAfterSeconds(this.#address, target)
    if (seconds !== undefined) throw tooManyFailures(seconds)
  }
}

function actOf({ address }: RequestSource, actor: string | undefined): Act {
  return { ...(actor === undefined ? {} : { actor }), ...(address === undefined ? {} : { address }) }
}

function actOfAdministrator(url: URL, source: RequestSource, { subject }: Administrator): Act {
  const reasons = url.searchParams.getAll('reason')
  const [reason] = reasons
  if (
    reasons.length > 1 ||
    (reason !== undefined && (reason.length > MAX_REASON_CHARACTERS || /\p{Cc}/u.test(reason)))
  ) {
    throw invalidRequest(`reason must be a text of at most ${MAX_REASON_CHARACTERS} characters, given once`)
  }
  return { ...actOf(source, `admin:${subject ?? ''}`), ...(reason === undefined || reason === '' ? {} : { reason }) }
}

async function admit(
  context: Context,
  { access }: Route,
  request: Request,
  source: RequestSource,
  realm: string,
): Promise<Administrator | undefined> {
  const { feedCredential, metricsCredential } = context.settings
  switch (access) {
    case 'administrator':
      return admitAdministrator(context, request, realm)
    case 'reader':
      if (feedCredential !== undefined) await requireCredential(request, feedCredential)
      return undefined
    case 'monitor':
      if (metricsCredential !== undefined) await requireCredential(request, metricsCredential)
      else requireNear(request, source)
      return undefined
    case 'anybody':
      return undefined
  }
}

async function requireCredential(request: Request, credential: string): Promise<void> {
  const presented = bearerToken(request.headers)
  if (presented.kind === 'nothing') throw refusedToken({ ok: false, reason: 'missing_token', status: 401 })
  if (await sameSecret(presented.token, credential)) return
  throw new Problem(401, 'invalid_token', 'the credential is another', {
    'www-authenticate': 'Bearer error="invalid_token"',
  })
}

/** What a proxy on this machine forwards comes from elsewhere. */
function requireNear(request: Request, source: RequestSource): void {
  const forwarded = ['forwarded', 'x-forwarded-for', 'via'].some((name) => request.headers.has(name))
  if (isLocal(request, source) && !forwarded) return
  throw new Problem(403, 'forbidden', 'without a credential this is for the machine itself: set metricsCredential')
}

/** The path with fewer parameters comes first: `/sessions/end` is not the session `end` (OpenAPI 3.1.1 §4.8.8.2). */
function byParameters(one: { pattern: readonly string[] }, other: { pattern: readonly string[] }): number {
  return one.pattern.filter(isParameter).length - other.pattern.filter(isParameter).length
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((part, index) => (isParameter(part) ? segments[index] !== '' : part === segments[index]))
  )
}

function isParameter(part: string): boolean {
  return part.startsWith('{')
}

function decode(segment: string): string {
  const decoded = decodeUtf8(segment)
  if (decoded.length > MAX_PARAMETER_CHARACTERS)
    throw invalidRequest(`a name in the path has more than ${MAX_PARAMETER_CHARACTERS} characters`)
  // Proxies and `URL` resolve or refuse these, so a path with them may mean another place. Bodies carry such names.
  if (/\p{Cc}|(?:^|[/\\])\.\.?(?:$|[/\\])/u.test(decoded))
    throw invalidRequest('the path has control characters or dot segments: use the route that takes the name in its body')
  return decoded
}

function decodeUtf8(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw invalidRequest('the path is not percent-encoded UTF-8')
  }
}

function withoutBody(response: Response): Response {
  response.body?.cancel().catch(() => undefined)
  return new Response(null, { status: response.status, headers: response.headers })
}
