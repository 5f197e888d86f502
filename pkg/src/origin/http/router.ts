import { networkOf } from '../../http/network-of-address.ts'
import type { Act, RequestSource } from '../api.ts'
import { admit } from './access.ts'
import type { Administrator } from './admin-auth.ts'
import { Attempts } from './attempts.ts'
import type { Context } from './context.ts'
import { invalidRequest, MAX_PARAMETER_CHARACTERS } from './input.ts'
import { notingRefusals } from './noted-refusals.ts'
import { Problem } from './problem.ts'
import type { Call, Route } from './route.ts'

/** The longest reason that an administrator may give, in characters. */
const MAX_REASON_CHARACTERS = 256

/** The routes of one path. */
export interface Resource {
  /** The pattern of its path. */
  path: string
  /** The realm in its path, if it is one of ours. */
  realm: string | undefined
  methods: readonly string[]
  /**
   * Authorises the caller and runs the route for the method. Throws a `Problem` (405 without such a route), or the
   * error of the route.
   */
  respond(request: Request, source: RequestSource): Promise<Response>
}

/** Finds the routes of a path; returns `undefined` if it has none. */
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
      async respond(request, source) {
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
   * The raw realm segment of the path: a realm's name needs no escapes, and nothing is validated before the caller is
   * known.
   */
  named: string
}

function handle(context: Context, route: Route, { source, named, ...arrival }: Arrival): Promise<Response> {
  const { request, url } = arrival
  const attempts = new Attempts(context.failures, source.address)
  const attempt = (account: string): void => attempts.attempt(account)
  const admitted = async (): Promise<Response> => {
    const administrator = await admit(context, route, { request, source, realm: named })
    const act = (): Act =>
      administrator === undefined ? actOf(source) : actOfAdministrator(url, source, administrator)
    return route.handle({ context, ...arrival, network: networkOf(source.address), act, attempt })
  }
  const presents = request.headers.has('authorization') || route.access === 'anybody'
  const counted = (): Promise<Response> => attempts.counting(admitted, presents ? route.path : undefined)
  return notingRefusals(context.audit, { route, realm: named, address: source.address }, counted)
}

function actOf({ address }: RequestSource): Act {
  return address === undefined ? {} : { address }
}

function actOfAdministrator(url: URL, source: RequestSource, { subject }: Administrator): Act {
  const reasons = url.searchParams.getAll('reason')
  const [reason] = reasons
  if (
    reasons.length > 1 ||
    (reason !== undefined && (reason.length > MAX_REASON_CHARACTERS || /\p{Cc}/u.test(reason)))
  ) {
    throw invalidRequest(`reason must be a string of at most ${MAX_REASON_CHARACTERS} characters, given once`)
  }
  return {
    ...actOf(source),
    actor: `admin:${subject ?? ''}`,
    ...(reason === undefined || reason === '' ? {} : { reason }),
  }
}

/** Orders paths with fewer parameters first: `/sessions/end` is not the session `end` (OpenAPI 3.1.1 §4.8.8.2). */
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
  // Proxies and `URL` resolve or refuse these, so such a path may mean another place. Send these names in the body.
  if (/\p{Cc}|(?:^|[/\\])\.\.?(?:$|[/\\])/u.test(decoded))
    throw invalidRequest(
      'the path has control characters or dot segments: use the route that takes the name in its body',
    )
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
