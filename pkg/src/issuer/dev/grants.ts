import { json } from '../../origin/http/response.ts'
import { Problem } from '../../origin/http/problem.ts'
import { invalidRequest } from '../../origin/http/input.ts'
import { inCookie, presentedCookie, requireOwnScript, withRefreshCookie } from './cookie.ts'
import { type IssuerRequest, clientOf, type Issuer, note, tryPassword } from './issuer.ts'
import { verifyPassword } from './passwords.ts'
import {
  answerWith,
  issuableAt,
  type Session,
  signableAt,
  signRefreshToken,
  type TokenAnswer,
  versionOf,
} from './tokens.ts'
import type { DevClient } from './types.ts'

/** Maximum length of a scope in tokens. */
const MAX_SCOPE_CHARACTERS = 256

/** Handles `POST …/token` (RFC 6749 §4.3 and §6). */
export async function token(issuer: Issuer, call: IssuerRequest): Promise<Response> {
  const grant = call.form.get('grant_type')
  if (grant === undefined) throw invalidRequest('grant_type is missing')
  const client = await clientOf(issuer, call)
  if (inCookie(client)) await requireOwnScript(issuer, call.request)
  const answer = await granted(issuer, grant, client, call)
  const { body, headers } = inCookie(client) ? withRefreshCookie(answer) : { body: answer, headers: {} }
  return json(200, body, { pragma: 'no-cache', ...headers })
}

async function granted(issuer: Issuer, grant: string, client: DevClient, call: IssuerRequest): Promise<TokenAnswer> {
  switch (grant) {
    case 'password':
      return password(issuer, client, call)
    case 'refresh_token':
      return refresh(issuer, client, call)
    default:
      throw new Problem(400, 'unsupported_grant_type', 'grant_type must be password or refresh_token')
  }
}

async function password(issuer: Issuer, client: DevClient, { form, address }: IssuerRequest): Promise<TokenAnswer> {
  const name = needed(form, 'username')
  const given = needed(form, 'password')
  const scope = scopeOf(form.get('scope'))
  const user = issuer.tables.user(name)
  const isGood = await tryPassword(issuer, address, name, () => verifyPassword(given, user?.password))
  if (!isGood || user === undefined) {
    await note(issuer, {
      action: 'login_refused',
      actor: `client:${client.id}`,
      subject: user?.sub,
      address,
      detail: 'invalid_grant',
    })
    throw invalidGrant('the user name or password is wrong')
  }
  const login = { sid: crypto.randomUUID(), user, client, tokenVersion: versionOf(issuer, user) }
  const session: Session = { ...login, startedAt: await issuableAt(issuer, login), scope }
  const refreshToken = await signRefreshToken(issuer, session, session.startedAt)
  issuer.tokens().begin({
    session: session.sid,
    subject: user.sub,
    client: client.id,
    token: refreshToken.token,
    issuedAt: refreshToken.issuedAt,
    tokenVersion: session.tokenVersion,
    ...(address === undefined ? {} : { address }),
  })
  await note(issuer, { action: 'login', actor: `user:${user.sub}`, subject: session.sid, address })
  return answerWith(issuer, session, refreshToken)
}

/** Rotates a refresh token: one transaction spends it and stores the next one; then the other tokens are signed. */
async function refresh(
  issuer: Issuer,
  client: DevClient,
  { request, form, address }: IssuerRequest,
): Promise<TokenAnswer> {
  const presented = inCookie(client) ? (presentedCookie(request) ?? '') : needed(form, 'refresh_token')
  const session = await sessionOf(issuer, client, presented)
  if (session === undefined) return refuse(issuer, { client, address, detail: 'unknown_token' })
  if (isByRefusedKey(issuer, session))
    return refuse(issuer, { client, address, session: session.sid, detail: 'banned_key' })
  const next = await signRefreshToken(issuer, session, await signableAt(issuer))
  const rotation = await issuer.tokens().rotate({
    presented,
    next: next.token,
    client: client.id,
    issuedAt: next.issuedAt,
    ...(address === undefined ? {} : { address }),
  })
  const refused = { client, address, session: rotation.family?.session }
  switch (rotation.outcome) {
    case 'rotated':
      await note(issuer, { action: 'refresh', actor: `client:${client.id}`, subject: session.sid, address })
      return answerWith(issuer, session, next)
    case 'reused':
      return refuse(issuer, { ...refused, detail: 'reused' })
    case 'lost_race':
      return refuse(issuer, { ...refused, detail: 'lost_race' })
    case 'refused':
      return refuse(issuer, { ...refused, detail: rotation.reason })
  }
}

/**
 * Returns the claims of a refresh token that this issuer signed, even if it has expired; the refresh-token library
 * decides whether it is valid.
 */
async function sessionOf(
  { settings, keys, tables }: Issuer,
  client: DevClient,
  presented: string,
): Promise<PresentedSession | undefined> {
  const verified = await keys.verify(presented, { issuer: settings.issuer, expired: 'accept' })
  if (verified === undefined) return undefined
  const {
    sub = '',
    sid,
    iat: issuedAt,
    auth_time: startedAt,
    token_version: tokenVersion,
    token_use: use,
    scope,
  } = verified.claims
  const user = tables.userBySub(sub)
  if (use !== 'refresh' || typeof sid !== 'string' || user === undefined) return undefined
  if (typeof startedAt !== 'number' || typeof tokenVersion !== 'number' || issuedAt === undefined) return undefined
  const signed = { kid: verified.kid, issuedAt }
  return { sid, user, client, startedAt, tokenVersion, scope: typeof scope === 'string' ? scope : undefined, signed }
}

/** A session, according to its refresh token. */
interface PresentedSession extends Session {
  signed: { kid: string; issuedAt: number }
}

/** Returns whether the refresh token was signed no later than its key's not-before. */
function isByRefusedKey({ settings, origin }: Issuer, { signed: { kid, issuedAt } }: PresentedSession): boolean {
  return issuedAt <= origin().keyNotBefore(settings.realm, kid)
}

interface RefusedRefresh {
  client: DevClient
  address: string | undefined
  session?: string | undefined
  detail: string
}

/** Refuses a refresh. The client gets the same error in every case. */
async function refuse(issuer: Issuer, { client, address, session, detail }: RefusedRefresh): Promise<never> {
  const action = detail === 'reused' ? 'refresh_reused' : 'refresh_refused'
  await note(issuer, { action, actor: `client:${client.id}`, subject: session, address, detail })
  throw invalidGrant('the refresh token is invalid, expired, used or revoked')
}

function needed(form: ReadonlyMap<string, string>, name: string): string {
  const value = form.get(name)
  if (value === undefined) throw invalidRequest(`${name} is missing`)
  return value
}

/** Returns the requested scopes. All are granted, but only `openid` has an effect here. */
function scopeOf(scope: string | undefined): string | undefined {
  const names = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/
  if (scope === undefined || (scope.length <= MAX_SCOPE_CHARACTERS && names.test(scope))) return scope
  throw new Problem(400, 'invalid_scope', 'scope must be names separated by single spaces')
}

function invalidGrant(description: string): Problem {
  return new Problem(400, 'invalid_grant', description)
}
