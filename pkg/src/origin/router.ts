import { bearerToken, challenge } from '../bearer.ts'
import { admitAdministrator, type Administrator } from './admin-auth.ts'
import type { Context } from './context.ts'
import { Problem } from './problem.ts'
import { invalidRequest } from './request.ts'
import { sameSecret } from './secret.ts'

/** One request on its way to a route. */
export interface Call {
  context: Context
  request: Request
  url: URL
  /** A part of the path, decoded. */
  parameter(name: string): string
  /** Who asks, where the route is for administrators. */
  administrator: Administrator | undefined
}

export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Such as `/feed/{realm}/manifest`. */
  path: string
  /** `administrator` of `{realm}`; `reader` of the feed; `anybody`: the route itself says who. */
  access: 'administrator' | 'reader' | 'anybody'
  handle(call: Call): Response | Promise<Response>
}

/** Finds the route of a request, checks who asks and runs it. Throws a `Problem` with 404 or 405, or what the route throws. */
export function createRouter(context: Context, routes: readonly Route[]): (request: Request) => Promise<Response> {
  const compiled = routes.map((route) => ({ route, segments: route.path.split('/') }))
  return async (request) => {
    const url = new URL(request.url)
    const segments = url.pathname.split('/')
    const here = compiled.filter((each) => matches(each.segments, segments))
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const found = here.find(({ route }) => route.method === method)
    if (here.length === 0) throw new Problem(404, 'not_found')
    if (found === undefined) throw new Problem(405, 'method_not_allowed', undefined, { allow: allowed(here.map(({ route }) => route)) })
    const parameter = (name: string): string => decode(segments[found.segments.indexOf(`{${name}}`)] ?? '')
    const admitted = await admit(context, found.route, request, segments[found.segments.indexOf('{realm}')] ?? '')
    if (admitted instanceof Response) return admitted
    const response = await found.route.handle({ context, request, url, parameter, administrator: admitted })
    return request.method === 'HEAD' ? withoutBody(response) : response
  }
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
