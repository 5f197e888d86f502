import { json } from '../answer.ts'
import { Problem } from '../problem.ts'
import { formBody, invalidRequest } from '../request.ts'
import { verifyPassword } from './passwords.ts'
import { clientOf, endSession, hashOf, issuableAt, issueTokens, type Issuer, type TokenAnswer, unixSeconds } from './tokens.ts'
import type { DevClient } from './types.ts'

/** The largest form: two tokens and some names. */
export const MAX_FORM_BYTES = 65_536
/** How long a scope may be that is put into tokens. */
const MAX_SCOPE_CHARACTERS = 256

type Form = ReadonlyMap<string, string>

/** `POST …/token` (RFC 6749 §4.3 and §6). */
export async function token(issuer: Issuer, request: Request): Promise<Response> {
  const form = await formBody(request, MAX_FORM_BYTES)
  const grant = form.get('grant_type')
  if (grant === undefined) throw invalidRequest('grant_type is missing')
  const client = await clientOf(issuer, request, form)
  return json(200, await granted(issuer, grant, client, form), { pragma: 'no-cache' })
}

async function granted(issuer: Issuer, grant: string, client: DevClient, form: Form): Promise<TokenAnswer> {
  switch (grant) {
    case 'password':
      return password(issuer, client, form)
    case 'refresh_token':
      return refresh(issuer, client, form)
    default:
      throw new Problem(400, 'unsupported_grant_type', 'grant_type must be password or refresh_token')
  }
}

async function password(issuer: Issuer, client: DevClient, form: Form): Promise<TokenAnswer> {
  const user = issuer.tables.user(needed(form, 'username'))
  if (!(await verifyPassword(needed(form, 'password'), user?.password)) || user === undefined) {
    throw invalidGrant('the user name or the password is wrong')
  }
  const sid = crypto.randomUUID()
  const session = { sid, sub: user.sub, client: client.id, startedAt: await issuableAt(issuer, user, client, sid) }
  issuer.tables.addSession(session)
  return issueTokens(issuer, user, client, session, scopeOf(form.get('scope')))
}

/** Each refresh token is good once. One that comes back was copied: then its session ends (RFC 9700 §4.14.2). */
async function refresh(issuer: Issuer, client: DevClient, form: Form): Promise<TokenAnswer> {
  const { settings, tables, keys } = issuer
  const presented = needed(form, 'refresh_token')
  const claims = await keys.verify(presented, { issuer: settings.issuer, expired: 'refuse' })
  const { sub = '', sid, iat = 0, exp = 0, azp, token_use: use, token_version: version, scope } = claims ?? {}
  if (claims === undefined || use !== 'refresh' || azp !== client.id || typeof sid !== 'string') throw notGood()
  const user = tables.userBySub(sub)
  const hash = await hashOf(presented)
  const refused = issuer.origin().refuses(settings.realm, {
    subject: sub,
    session: sid,
    authorizedParty: client.id,
    issuedAt: iat,
    expiresAt: exp,
    // What was issued before a raise is of no use after it: the user has to log in again.
    tokenVersion: Number(version ?? 0),
  })
  if (user === undefined || refused !== undefined) throw notGood()
  const spent = tables.useRefreshToken(hash, unixSeconds())
  switch (spent.outcome) {
    case 'used':
      return issueTokens(issuer, user, client, spent.session, typeof scope === 'string' ? scope : undefined)
    case 'reused':
      await endSession(issuer, spent.sid)
      throw notGood()
    case 'refused':
      throw notGood()
  }
}

function needed(form: Form, name: string): string {
  const value = form.get(name)
  if (value === undefined) throw invalidRequest(`${name} is missing`)
  return value
}

/** The scopes asked for, all of which are granted: they mean nothing to this issuer but `openid`. */
function scopeOf(scope: string | undefined): string | undefined {
  if (
    scope === undefined ||
    (scope.length <= MAX_SCOPE_CHARACTERS && /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/.test(scope))
  )
    return scope
  throw new Problem(400, 'invalid_scope', 'scope must be names with single spaces between them')
}

function notGood(): Problem {
  return invalidGrant('the refresh token is invalid, expired, used or revoked')
}

function invalidGrant(description: string): Problem {
  return new Problem(400, 'invalid_grant', description)
}
