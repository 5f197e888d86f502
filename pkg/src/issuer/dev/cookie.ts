import { noContent, ok } from '../../origin/http/response.ts'
import { Problem } from '../../origin/http/problem.ts'
import { formBody } from '../../origin/http/input.ts'
import { cookieOf, endingSiteData, setCookie } from '../../origin/http/site-data.ts'
import { type IssuerRequest, clientOf, endSession, type Issuer, MAX_FORM_BYTES, type Settings } from './issuer.ts'
import type { TokenAnswer } from './tokens.ts'
import type { DevClient } from './types.ts'

/** With this prefix, browsers require https (or this machine), one host and the whole path (RFC 6265bis §4.1.3.2). */
const REFRESH_COOKIE = '__Host-portcullis-refresh'
/** Forms and plain links cannot send it, and a script of another origin needs a preflight, which is not answered. */
const CSRF_HEADER = 'portcullis-csrf'

/**
 * Requires a page of a listed origin, and a header that only scripts can set. The browser adds the refresh token by
 * itself, so a page of any site could otherwise log the user in or refresh. Throws a `Problem` (403).
 */
export async function requireOwnScript({ cors }: Issuer, request: Request): Promise<void> {
  if (request.headers.has(CSRF_HEADER) && (await cors.isOwnPage(request))) return
  throw new Problem(
    403,
    'forbidden',
    `this client is for scripts of listed origins, which send the header ${CSRF_HEADER}`,
  )
}

/** Returns the refresh token in the request's cookie. */
export function presentedCookie(request: Request): string | undefined {
  return cookieOf(request, REFRESH_COOKIE)
}

/** Returns the token endpoint's response with the refresh token in a cookie, which scripts cannot read. */
export function withRefreshCookie({ refresh_token: token, ...rest }: TokenAnswer): {
  body: object
  headers: Record<string, string>
} {
  return { body: rest, headers: { 'set-cookie': setCookie(REFRESH_COOKIE, token, rest.refresh_expires_in) } }
}

/** Returns the response to a logout: it expires the cookie and clears site data. */
export function forgetting({ cors, settings }: Issuer, request: Request, answer: Response): Promise<Response> {
  return endingSiteData(request, answer, cors, {
    ...settings,
    expireCookies: settings.clients.some(inCookie) ? [REFRESH_COOKIE] : [],
  })
}

/**
 * Handles `POST …/logout` without a token, by a client whose refresh token is in the cookie: ends the session of the
 * cookie.
 */
export async function logoutByCookie(issuer: Issuer, call: IssuerRequest): Promise<Response> {
  await endByCookie(issuer, call)
  return forgetting(issuer, call.request, noContent())
}

/**
 * Like `logoutByCookie`, for `POST …/revoke` (RFC 7009) without a token; the browser cannot put the token into a form.
 * Returns `undefined` for other requests, which the origin handles.
 */
export async function revokeByCookie(
  issuer: Issuer,
  request: Request,
  address: string | undefined,
): Promise<Response | undefined> {
  const form = await formBody(request.clone(), MAX_FORM_BYTES).catch(() => undefined)
  if (form === undefined || form.has('token') || !isCookieClient(issuer.settings, form)) return undefined
  // Without a cookie there is nothing to revoke, and the response is the same (RFC 7009 §2.2).
  await endByCookie(issuer, { request, form, address })
  return forgetting(issuer, request, ok())
}

export function isCookieClient({ clients }: Settings, form: ReadonlyMap<string, string>): boolean {
  return clients.some((client) => inCookie(client) && client.id === form.get('client_id'))
}

export function inCookie({ refreshTokenIn }: DevClient): boolean {
  return refreshTokenIn === 'cookie'
}

/** Ends the session of the cookie. Throws a `Problem` (403) for pages of other origins. */
async function endByCookie(issuer: Issuer, call: IssuerRequest): Promise<void> {
  if (!(await issuer.cors.isOwnPage(call.request)))
    throw new Problem(403, 'forbidden', 'only pages of listed origins may call this')
  const client = await clientOf(issuer, call)
  const presented = presentedCookie(call.request)
  const found = presented === undefined ? undefined : issuer.tokens().find(presented)
  if (found?.client === client.id) await endSession(issuer, { ...found, address: call.address })
}
