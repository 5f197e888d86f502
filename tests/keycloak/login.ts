// Logins by code flow with PKCE (RFC 7636), refreshes, and logouts started by an app or its user.

import { createHash, randomBytes } from 'node:crypto'
import { claimsOf } from '../../www/demo/client.ts'
import { Agent, titleOf, type Page } from './agent.ts'
import { ACCOUNT_CONSOLE, type Client } from './clients.ts'
import { answerOf, send, type Answer } from './http.ts'

/** The redirect URI; nothing listens there. */
export const REDIRECT_URI = 'http://127.0.0.1/cb'

/** A realm of a running Keycloak, as seen by its users. */
export interface Place {
  /** URL of the server. */
  readonly url: string
  /** The realm's `iss`. */
  readonly issuer: string
}

/** One login: a client's part of a user's session. */
export interface Login {
  readonly username: string
  readonly client: Client
  /** The browser. Another login with it belongs to the same session. */
  readonly agent: Agent
  readonly accessToken: string
  readonly refreshToken: string
  readonly idToken: string
  readonly sid: string
  readonly sub: string
}

export interface LoginOptions {
  /** Default: a new browser and so a new session. */
  agent?: Agent
  /** Default `openid`. */
  scope?: string
  /** Parameters of the authorisation request, such as `kc_action`, and the form fields for its pages. */
  parameters?: Record<string, string>
  fields?: Record<string, string>
  /** Parameters of the token request, such as `client_session_state`. */
  tokenParameters?: Record<string, string>
}

/** Logs in at the client with the password `<username>-password`, and consents if asked. */
export async function logIn(
  place: Place,
  username: string,
  client: Client,
  options: LoginOptions = {},
): Promise<Login> {
  const agent = options.agent ?? new Agent(place.url)
  const verifier = randomBytes(32).toString('base64url')
  const redirect = redirectOf(place, client)
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: client.id,
    redirect_uri: redirect,
    scope: options.scope ?? 'openid',
    state: randomBytes(8).toString('base64url'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...options.parameters,
  })
  let page = await agent.open(`${endpoint(place, 'auth')}?${query}`, redirect)
  for (const fields of [{ username, password: `${username}-password`, ...options.fields }, options.fields ?? {}, {}]) {
    if (page.status === 0) break
    page = await agent.submit(page, redirect, isConsent(page) ? { accept: 'Yes' } : fields)
  }
  const answer = await askForTokens(place, client, {
    grant_type: 'authorization_code',
    code: codeOf(page),
    redirect_uri: redirect,
    code_verifier: verifier,
    ...options.tokenParameters,
  })
  if (answer.status !== 200)
    throw new Error(`Keycloak returned ${answer.status} for the code: ${answer.text.slice(0, 300)}`)
  return loginOf(answer, { username, client, agent })
}

/** Uses the refresh token. Rejects if it is refused. */
export async function refresh(place: Place, login: Login): Promise<Login> {
  const answer = await tryRefresh(place, login)
  if (answer.status !== 200)
    throw new Error(`Keycloak returned ${answer.status} for the refresh: ${answer.text.slice(0, 300)}`)
  return loginOf(answer, login)
}

/** Uses the refresh token. The response may be a refusal. */
export function tryRefresh(place: Place, login: Login): Promise<Answer> {
  return askForTokens(place, login.client, { grant_type: 'refresh_token', refresh_token: login.refreshToken })
}

/** Sends a password as the client (RFC 6749 §4.3). The response may be a refusal. */
export function tryPassword(
  place: Place,
  client: Client,
  username: string,
  password: string,
  headers?: Record<string, string>,
): Promise<Answer> {
  return askForTokens(place, client, { grant_type: 'password', username, password }, headers)
}

/** Calls the token endpoint as the client. */
export async function askForTokens(
  place: Place,
  client: Client,
  form: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const body = new URLSearchParams({ ...form, ...identity(client) })
  return answerOf(await send(endpoint(place, 'token'), { method: 'POST', body, headers }))
}

/** Revokes a token as its client (RFC 7009), at Keycloak or at the origin with this URL. */
export async function revoke(place: Place, client: Client, token: string, originUrl = place.url): Promise<Answer> {
  const url = endpoint(place, 'revoke').replace(place.url, originUrl)
  return answerOf(await send(url, { method: 'POST', body: new URLSearchParams({ token, ...identity(client) }) }))
}

/** Logs out by OpenID Connect RP-Initiated Logout 1.0 in the login's browser. */
export async function logOut(place: Place, login: Login): Promise<void> {
  const redirect = redirectOf(place, login.client)
  const query = new URLSearchParams({ id_token_hint: login.idToken, post_logout_redirect_uri: redirect })
  const page = await login.agent.open(`${endpoint(place, 'logout')}?${query}`, redirect)
  if (page.status !== 0) throw new Error(`Keycloak did not log out: ${titleOf(page)}`)
}

/** Calls the REST API of the account console, such as `DELETE sessions/{sid}`, with a login at `ACCOUNT_CONSOLE`. */
export async function manageAccount(place: Place, login: Login, method: string, path: string): Promise<Answer> {
  const headers = { authorization: `Bearer ${login.accessToken}`, accept: 'application/json' }
  const answer = await answerOf(await send(`${place.issuer}/account/${path}`, { method, headers }))
  if (answer.status >= 300) throw new Error(`the account console returned ${answer.status} for ${method} ${path}`)
  return answer
}

function loginOf(answer: Answer, by: Pick<Login, 'username' | 'client' | 'agent'>): Login {
  const {
    access_token: accessToken = '',
    refresh_token: refreshToken = '',
    id_token: idToken = '',
  } = JSON.parse(answer.text) as Record<string, string>
  const { sid, sub } = claimsOf(idToken)
  return {
    username: by.username,
    client: by.client,
    agent: by.agent,
    accessToken,
    refreshToken,
    idToken,
    sid: String(sid),
    sub: String(sub),
  }
}

function identity(client: Client): Record<string, string> {
  return client.secret === undefined ? { client_id: client.id } : { client_id: client.id, client_secret: client.secret }
}

/** Keycloak's own client has a different redirect URI. */
function redirectOf(place: Place, client: Client): string {
  return client === ACCOUNT_CONSOLE ? `${place.issuer}/account/` : REDIRECT_URI
}

function endpoint(place: Place, name: 'auth' | 'token' | 'revoke' | 'logout'): string {
  return `${place.issuer}/protocol/openid-connect/${name}`
}

function isConsent(page: Page): boolean {
  return /<form[^>]*\saction="[^"]*\/consent/.test(page.text)
}

function codeOf(page: Page): string {
  const code = page.status === 0 ? page.url.searchParams.get('code') : null
  if (code !== null) return code
  const error = page.url.searchParams.get('error')
  throw new Error(`Keycloak did not log in: ${error ?? titleOf(page)}`)
}
