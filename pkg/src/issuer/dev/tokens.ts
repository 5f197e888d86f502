import type { Reason } from '../../reasons.ts'
import { Problem } from '../../origin/http/problem.ts'
import { type Issuer, unixSeconds } from './issuer.ts'
import type { User } from './tables.ts'
import type { DevClient, LedgerView } from './types.ts'

/** A login of a user with a client. */
export interface Session {
  sid: string
  user: User
  client: DevClient
  /** Unix seconds. */
  startedAt: number
  /** The token version of its login: tokens with a lower version are refused once it is raised. */
  tokenVersion: number
  scope: string | undefined
}

/** The response of the token endpoint (RFC 6749 §5.1). */
export interface TokenAnswer {
  access_token: string
  token_type: 'Bearer'
  expires_in: number
  refresh_token: string
  refresh_expires_in: number
  session_state: string
  scope: string
  id_token?: string
}

/** A refresh token that has yet to be stored. */
interface NewRefreshToken {
  token: string
  /** Unix seconds. */
  issuedAt: number
  /** Unix seconds. */
  expiresAt: number
}

/**
 * Maximum wait of a login that follows a logout in the same second: until the next second, and a little more for late
 * timers.
 */
const MAX_WAIT_MS = 1_200

/** Signs a refresh token. It is valid once the refresh-token library has stored it. */
export async function signRefreshToken(issuer: Issuer, session: Session, now: number): Promise<NewRefreshToken> {
  const { settings, keys } = issuer
  const expiresAt = Math.min(now + settings.refreshTokenSeconds, session.startedAt + settings.sessionSeconds)
  const token = await keys.sign({
    ...commonClaims(issuer, session, now),
    aud: settings.issuer,
    exp: expiresAt,
    typ: 'Refresh',
    token_use: 'refresh',
    ...(session.scope === undefined ? {} : { scope: session.scope }),
  })
  return { token, issuedAt: now, expiresAt }
}

/** Signs the tokens of a response with this refresh token. */
export async function answerWith(issuer: Issuer, session: Session, refresh: NewRefreshToken): Promise<TokenAnswer> {
  const { settings, keys, origin } = issuer
  const { user, client, scope } = session
  const now = refresh.issuedAt
  const accessTokenSeconds = client.accessTokenSeconds ?? settings.accessTokenSeconds
  const lastLogoutTime = origin().userNotBefore(settings.realm, user.sub)
  const common = { ...commonClaims(issuer, session, now), exp: now + accessTokenSeconds, preferred_username: user.name }
  const answer: TokenAnswer = {
    access_token: await keys.sign({
      ...common,
      aud: settings.audience,
      typ: 'Bearer',
      token_use: 'access',
      realm_access: { roles: user.roles },
      rsq: headOf(issuer),
      ...(lastLogoutTime === 0 ? {} : { last_logout_time: lastLogoutTime }),
      scope: scope ?? '',
    }),
    token_type: 'Bearer',
    expires_in: accessTokenSeconds,
    refresh_token: refresh.token,
    refresh_expires_in: refresh.expiresAt - now,
    session_state: session.sid,
    scope: scope ?? '',
  }
  if (scope?.split(' ').includes('openid') === true) {
    answer.id_token = await keys.sign({
      ...common,
      jti: crypto.randomUUID(),
      aud: client.id,
      typ: 'ID',
      token_use: 'id',
    })
  }
  return answer
}

/**
 * Returns the second in which tokens may be issued. Tokens issued up to a not-before are refused, so right after a
 * logout, or after a not-before of the signing key, this is the next second. Throws a `Problem` if it is later than
 * that.
 */
export async function issuableAt(
  issuer: Issuer,
  { user, client, sid, tokenVersion }: Omit<Session, 'startedAt' | 'scope'>,
): Promise<number> {
  const login = { subject: user.sub, session: sid, authorizedParty: client.id, grant: client.id, tokenVersion }
  const { at, reason } = await acceptableSecond(
    issuer,
    login,
    (refusal) => refusal !== 'session_revoked' && refusal !== 'version_revoked',
  )
  if (reason !== undefined) throw new Problem(400, 'invalid_grant', 'the tokens would be revoked already')
  return at
}

/**
 * Like `issuableAt`, for a session that continues: the refresh-token library decides whether that session is refused.
 * Throws a `Problem` if the not-before of the signing key is still in the future.
 */
export async function signableAt(issuer: Issuer): Promise<number> {
  const { at, reason } = await acceptableSecond(issuer, {}, (refusal) => refusal === 'banned_key')
  if (reason !== 'banned_key') return at
  throw new Problem(503, 'temporarily_unavailable', 'the not-before of the signing key is in the future', {
    'retry-after': '2',
  })
}

/** Waits for the second after a not-before; `reason` explains why a token issued `at` then is still refused. */
async function acceptableSecond(
  { settings, keys, origin }: Issuer,
  subject: Omit<Parameters<LedgerView['refuses']>[1], 'issuedAt' | 'expiresAt' | 'keyThumbprint'>,
  passes: (reason: Reason) => boolean,
): Promise<{ at: number; reason: Reason | undefined }> {
  const deadline = Date.now() + MAX_WAIT_MS
  for (;;) {
    const at = unixSeconds()
    const kid = keys.signingKid
    const signed = {
      issuedAt: at,
      expiresAt: at + settings.accessTokenSeconds,
      ...(kid === undefined ? {} : { keyThumbprint: kid }),
    }
    const reason = origin().refuses(settings.realm, { ...subject, ...signed })
    if (reason === undefined || !passes(reason) || Date.now() > deadline) return { at, reason }
    const restOfSecondMs = 1_000 - (Date.now() % 1_000)
    await new Promise((resolve) => setTimeout(resolve, restOfSecondMs))
  }
}

/** Returns the token version for a login: the lowest that the ledger accepts. */
export function versionOf({ settings, origin }: Issuer, user: User): number {
  return Math.max(user.version, origin().minimumVersion(settings.realm, user.sub))
}

function commonClaims(
  issuer: Issuer,
  { sid, user, client, startedAt, tokenVersion }: Session,
  now: number,
): Record<string, string | number> {
  return {
    iss: issuer.settings.issuer,
    sub: user.sub,
    sid,
    azp: client.id,
    jti: crypto.randomUUID(),
    iat: now,
    auth_time: startedAt,
    token_version: tokenVersion,
  }
}

/** Returns the ledger's position: a gate that has not reached it refreshes before it accepts the token. */
function headOf({ settings, origin }: Issuer): number {
  const status = origin().status()
  return status.find(({ realm }) => realm === settings.realm)?.sequence ?? 0
}
