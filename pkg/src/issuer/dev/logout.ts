import { noContent } from '../../origin/http/response.ts'
import { Problem } from '../../origin/http/problem.ts'
import { invalidRequest } from '../../origin/http/input.ts'
import { forgetting, isCookieClient, logoutByCookie } from './cookie.ts'
import { type IssuerRequest, clientOf, endSession, type Issuer } from './issuer.ts'

/**
 * Handles `GET` or `POST …/logout` (OpenID Connect RP-Initiated Logout 1.0): ends the session that `id_token_hint`
 * names. As in Keycloak, a client may POST its `refresh_token` instead, or have it in the cookie. Without any of these
 * the session is unknown.
 */
export async function logout(issuer: Issuer, call: IssuerRequest): Promise<Response> {
  const { request, form, address } = call
  if (request.method === 'POST' && form.has('refresh_token')) return byRefreshToken(issuer, call)
  const hint = form.get('id_token_hint')
  if (request.method === 'POST' && hint === undefined && isCookieClient(issuer.settings, form))
    return logoutByCookie(issuer, call)
  if (hint === undefined) throw invalidRequest('id_token_hint is missing')
  const claims = (await issuer.keys.verify(hint, { issuer: issuer.settings.issuer, expired: 'accept' }))?.claims
  if (claims?.['token_use'] !== 'id' || typeof claims['sid'] !== 'string')
    throw invalidRequest('id_token_hint is not an ID token of this issuer')
  if (form.has('client_id') && form.get('client_id') !== claims.aud)
    throw invalidRequest('id_token_hint belongs to another client')
  const target = redirectTarget(issuer, form, claims.aud)
  await endSession(issuer, { session: claims['sid'], subject: claims.sub ?? '', address })
  return forgetting(issuer, request, target === undefined ? page() : seeOther(target))
}

async function byRefreshToken(issuer: Issuer, call: IssuerRequest): Promise<Response> {
  const client = await clientOf(issuer, call)
  const found = issuer.tokens().find(call.form.get('refresh_token') ?? '')
  if (found?.client !== client.id) {
    throw new Problem(400, 'invalid_grant', 'the refresh token belongs to another client')
  }
  await endSession(issuer, { ...found, address: call.address })
  return forgetting(issuer, call.request, noContent())
}

/** Returns the redirect target. Accepts exactly the registered URLs of the client, to prevent open redirects. */
function redirectTarget(
  issuer: Issuer,
  given: ReadonlyMap<string, string>,
  client: string | string[] | undefined,
): URL | undefined {
  const wanted = given.get('post_logout_redirect_uri')
  if (wanted === undefined) return undefined
  const registered = issuer.settings.clients.find(({ id }) => id === client)?.postLogoutRedirectUris ?? []
  if (!registered.includes(wanted)) throw invalidRequest('post_logout_redirect_uri is not registered for the client')
  const target = new URL(wanted)
  const state = given.get('state')
  if (state !== undefined) target.searchParams.set('state', state)
  return target
}

function seeOther(target: URL): Response {
  return new Response(null, { status: 303, headers: { location: target.href, 'cache-control': 'no-store' } })
}

function page(): Response {
  return new Response('You are logged out.\n', {
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  })
}
