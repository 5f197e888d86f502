import { bearerToken, challenge } from '../bearer.ts'
import { admitAdministrator, type Administrator } from './admin-auth.ts'
import type { Act } from './audit.ts'
import type { Context } from './context.ts'
import type { FailureLimiter } from './failures.ts'
import type { Operation } from './operation.ts'
import { Problem, tooManyFailures } from './problem.ts'
import { notingRefusals } from './refusals.ts'
import { invalidRequest, MAX_PARAMETER_CHARACTERS } from './request.ts'
import { sameSecret } from './secret.ts'
import type { RequestSource } from './types.ts'

/** The longest reason that an administrator may give, in characters. */
const MAX_REASON_CHARACTERS = 256

/** One request on its way to a route. */
export interface Call {
  context: Context
  request: Request
  url: URL
  /** A part of the path, decoded. */
  parameter(name: string): string
  /** Who asks, where the route is for administrators. */
  administrator: Administrator | undefined
  /** What the audit log is to say of who asks; only an administrator's `?reason=` is. Throws a `Problem` (400). */
  act(actor?: string): Act
  /**
   * Says on whose account a secret is about to be tried. Throws a `Problem` (429) when this address has failed too often with
   * it; should the request end in 401, 403, `invalid_grant` or `invalid_client`, that counts as another failure.
   */
  attempt(account: string): void
}

export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Such as `/feed/{realm}/manifest`. */
  path: string
  /** `administrator` of `{realm}`; `reader` of the feed; `anybody`: the route itself says who. */
  access: 'administrator' | 'reader' | 'anybody'
  operation: Operation
  handle(call: Call): Response | Promise<Response>
}

/** Finds the route of a request, checks who asks and runs it. Throws a `Problem` with 404 or 405, or what the route throws. */
export function createRouter(
  context: Context,
  routes: readonly Route[],
): (request: Request, source: RequestSource) => Promise<Response> {
  const compiled = routes.map((route) => ({ route, segments: route.path.split('/') }))
  return async (request, source) => {
    const url = new URL(request.url)
    const segments = url.pathname.split('/')
    const here = compiled.filter((each) => matches(each.segments, segments))
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const found = here.find(({ route }) => route.method === method)
    if (here.length === 0) throw new Problem(404, 'not_found')
    if (found === undefined) throw new Problem(405, 'method_not_allowed', undefined, { allow: allowed(here.map(({ route }) => route)) })
    const parameter = (name: string): string => decode(segments[found.segments.indexOf(`{${name}}`)] ?? '')
    const attempts = new Attempts(context, source.address ?? '')
    const realm = segments[found.segments.indexOf('{realm}')] ?? ''
    const counted = (): Promise<Response> => attempts.counting(async () => {
      const admitted = await admit(context, found.route, request, realm)
      if (admitted instanceof Response) return admitted
      const act = (actor?: string): Act => (admitted === undefined ? actOf(source, actor) : actOfAdministrator(url, source, admitted))
      const attempt = (account: string): void => attempts.attempt(account)
      return found.route.handle({ context, request, url, parameter, administrator: admitted, act, attempt })
    }, request.headers.has('authorization') || found.route.access === 'anybody' ? found.route.path : undefined)
    const response = await notingRefusals(context, { route: found.route, realm, address: source.address }, counted)
    return request.method === 'HEAD' ? withoutBody(response) : response
  }
}

/** The failures of one request's client. */
class Attempts {
  readonly #failures: FailureLimiter
  readonly #address: string
  #account: string | undefined

  constructor({ failures }: Context, address: string) {
    this.#failures = failures
    this.#address = address
  }

  attempt(account: string): void {
    this.#account = account
    this.#admit(account)
  }

  /**
   * Counts a failure against the account that was named, else against `otherwise`, for which only failures are turned away:
   * who has a good token is let in whatever others behind the same address do. `undefined`: nothing was presented to guess at.
   */
  async counting(answer: () => Promise<Response>, otherwise: string | undefined): Promise<Response> {
    try {
      const response = await answer()
      if (response.status === 401 || response.status === 403) this.#failed(otherwise)
      return response
    } catch (error) {
      if (error instanceof Problem && error.isFailure) this.#failed(otherwise)
      throw error
    }
  }

  #failed(otherwise: string | undefined): void {
    const account = this.#account ?? otherwise
    if (account === undefined) return
    if (this.#account === undefined) this.#admit(account)
    this.#failures.failed(this.#address, account)
  }

  #admit(account: string): void {
    const seconds = this.#failures.retryAfterSeconds(this.#address, account)
    if (seconds !== undefined) throw tooManyFailures(seconds)
  }
}

function actOf({ address }: RequestSource, actor: string | undefined): Act {
  return { ...(actor === undefined ? {} : { actor }), ...(address === undefined ? {} : { address }) }
}

function actOfAdministrator(url: URL, source: RequestSource, { subject }: Administrator): Act {
  const reasons = url.searchParams.getAll('reason')
  const [reason] = reasons
  if (reasons.length > 1 || (reason !== undefined && (reason.length > MAX_REASON_CHARACTERS || /\p{Cc}/u.test(reason)))) {
    throw invalidRequest(`reason must be a text of at most ${MAX_REASON_CHARACTERS} characters, given once`)
  }
  return { ...actOf(source, `admin:${subject ?? ''}`), ...(reason === undefined || reason === '' ? {} : { reason }) }
}

/** `realm` as it stands in the path: the name of a realm needs no escapes, and nothing is validated before this. */
async function admit(context: Context, route: Route, request: Request, realm: string): Promise<Administrator | Response | undefined> {
  switch (route.access) {
    case 'administrator':
      return admitAdministrator(context, request, realm)
    case 'reader':
      return admitReader(context, request)
    case 'anybody':
      return undefined
  }
}

async function admitReader({ settings }: Context, request: Request): Promise<Response | undefined> {
  if (settings.feedCredential === undefined) return undefined
  const presented = bearerToken(request.headers)
  if (presented.kind === 'nothing') return challenge({ ok: false, reason: 'missing_token', status: 401 })
  if (await sameSecret(presented.token, settings.feedCredential)) return undefined
  throw new Problem(401, 'invalid_token', 'the credential for the feed is another', { 'www-authenticate': 'Bearer error="invalid_token"' })
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
  if (decoded.length > MAX_PARAMETER_CHARACTERS) throw invalidRequest(`a name in the path has more than ${MAX_PARAMETER_CHARACTERS} characters`)
  // No name of ours has them, and wherever it ends up it must not mean another place.
  if (/\p{Cc}|(?:^|[/\\])\.\.?(?:$|[/\\])/u.test(decoded)) throw invalidRequest('the path has control characters or dot segments')
  return decoded
}

function decodeUtf8(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw invalidRequest('the path is not percent-encoded UTF-8')
  }
}

function allowed(routes: readonly Route[]): string {
  return routes.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ')
}

function withoutBody(response: Response): Response {
  response.body?.cancel().catch(() => undefined)
  return new Response(null, { status: response.status, headers: response.headers })
}
