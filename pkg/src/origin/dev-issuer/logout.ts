import { noContent } from '../answer.ts'
import { Problem } from '../problem.ts'
import { formBody, invalidRequest, parametersOf } from '../request.ts'
import { MAX_FORM_BYTES } from './grants.ts'
import { clientOf, endSession, type Issuer } from './tokens.ts'

/**
 * `GET` or `POST …/logout` (OpenID Connect RP-Initiated Logout 1.0): ends the session that `id_token_hint` names. As in
 * Keycloak, a client may POST its `refresh_token` instead. Without either nothing says whose session it is.
 */
export async function logout(issuer: Issuer, request: Request, url: URL): Promise<Response> {
  const given = request.method === 'POST' ? await formBody(request, MAX_FORM_BYTES) : parametersOf(url.searchParams)
  if (request.method === 'POST' && given.has('refresh_token')) return byRefreshToken(issuer, request, given)
  const hint = given.get('id_token_hint')
  if (hint === undefined) throw invalidRequest('id_token_hint is missing')
  const claims = await issuer.keys.verify(hint, { issuer: issuer.settings.issuer, expired: 'accept' })
  if (claims?.['token_use'] !== 'id' || typeof claims['sid'] !== 'string')
    throw invalidRequest('id_token_hint is no ID token of this issuer')
  if (given.has('client_id') && given.get('client_id') !== claims.aud) throw invalidRequest('id_token_hint belongs to another client')
  const target = redirectTarget(issuer, given, claims.aud)
  await endSession(issuer, claims['sid'])
  return target === undefined
    ? page()
    : new Response(null, { status: 303, headers: { location: target.href, 'cache-control': 'no-store' } })
}

async function byRefreshToken(issuer: Issuer, request: Request, form: ReadonlyMap<string, string>): Promise<Response> {
  const client = await clientOf(issuer, request, form)
  const claims = await issuer.keys.verify(form.get('refresh_token') ?? '', { issuer: issuer.settings.issuer, expired: 'accept' })
  if (claims?.['token_use'] !== 'refresh' || claims['azp'] !== client.id || typeof claims['sid'] !== 'string') {
    throw new Problem(400, 'invalid_grant', 'the refresh token is no refresh token of this client')
  }
  await endSession(issuer, claims['sid'])
  return noContent()
}

/** Exactly what the client has registered, or nothing: this is what keeps it from being an open redirect. */
function redirectTarget(issuer: Issuer, given: ReadonlyMap<string, string>, client: string | string[] | undefined): URL | undefined {
  const wanted = given.get('post_logout_redirect_uri')
  if (wanted === undefined) return undefined
  const registered = issuer.settings.clients.find(({ id }) => id === client)?.postLogoutRedirectUris ?? []
  if (!registered.includes(wanted)) throw invalidRequest('post_logout_redirect_uri is not registered for the client')
  const target = new URL(wanted)
  const state = given.get('state')
  if (state !== undefined) target.searchParams.set('state', state)
  return target
}

function page(): Response {
  return new Response('You are logged out.\n', { headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' } })
}
