import type { JWTPayload } from 'jose'
import { PortcullisError } from '../../errors.ts'
import type { ClientBook } from '../clients.ts'
import { Problem } from '../problem.ts'
import type { Origin } from '../types.ts'
import type { SigningKeys } from './keys.ts'
import type { Session, Tables, User } from './tables.ts'
import type { DevClient, DevIssuerOptions } from './types.ts'

/** What the issuer works with. */
export interface Issuer {
  settings: Required<Omit<DevIssuerOptions, 'path' | 'database' | 'issuer'>> & { issuer: string }
  tables: Tables
  keys: SigningKeys
  clients: ClientBook
  /** Throws until the issuer is attached. */
  origin(): LedgerView
}

/** What the issuer needs of the origin whose ledger it obeys. */
export type LedgerView = Pick<Origin, 'bans' | 'endSession' | 'minimumVersion' | 'refuses' | 'status'>

/** The answer of the token endpoint (RFC 6749 §5.1). */
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

/** A login that follows a logout in the same second waits for the next one; a little more for timers that are late. */
const MAX_WAIT_MS = 1_200

/** Issues the tokens of a session, now; they are not refused by any not-before. Throws a `Problem` when they would be. */
export async function issueTokens(
  issuer: Issuer,
  user: User,
  client: DevClient,
  session: Session,
  scope: string | undefined,
): Promise<TokenAnswer> {
  const { settings, tables, keys } = issuer
  const now = await issuableAt(issuer, user, client, session.sid)
  const accessTokenSeconds = client.accessTokenSeconds ?? settings.accessTokenSeconds
  const common = {
    iss: settings.issuer,
    sub: user.sub,
    sid: session.sid,
    azp: client.id,
    iat: now,
    auth_time: session.startedAt,
    token_version: versionOf(issuer, user),
  }
  const refresh: JWTPayload = {
    ...common,
    jti: crypto.randomUUID(),
    aud: settings.issuer,
    exp: now + settings.refreshTokenSeconds,
    typ: 'Refresh',
    token_use: 'refresh',
    ...(scope === undefined ? {} : { scope }),
  }
  const access: JWTPayload = {
    ...common,
    jti: crypto.randomUUID(),
    aud: settings.audience,
    exp: now + accessTokenSeconds,
    typ: 'Bearer',
    token_use: 'access',
    preferred_username: user.name,
    realm_access: { roles: user.roles },
    rsq: headOf(issuer),
    scope: scope ?? '',
  }
  const refreshToken = await keys.sign(refresh)
  const answer: TokenAnswer = {
    access_token: await keys.sign(access),
    token_type: 'Bearer',
    expires_in: accessTokenSeconds,
    refresh_token: refreshToken,
    refresh_expires_in: settings.refreshTokenSeconds,
    session_state: session.sid,
    scope: scope ?? '',
  }
  if (scope?.split(' ').includes('openid') === true) {
    const exp = now + accessTokenSeconds
    answer.id_token = await keys.sign({
      ...common,
      jti: crypto.randomUUID(),
      aud: client.id,
      exp,
      typ: 'ID',
      token_use: 'id',
      preferred_username: user.name,
    })
  }
  tables.addRefreshToken(await hashOf(refreshToken), session.sid, now + settings.refreshTokenSeconds)
  return answer
}

/** What stands for a refresh token in the table. */
export async function hashOf(token: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token)))
  return Buffer.from(digest).toString('base64url')
}

/** Who asks, and what this issuer knows of it. Throws a `Problem`. */
export async function clientOf({ clients, settings }: Issuer, request: Request, form: ReadonlyMap<string, string>): Promise<DevClient> {
  const { id } = await clients.authenticate(request, form)
  return settings.clients.find((client) => client.id === id) ?? { id }
}

/** Ends a session in the ledger, then here. Throws what the ledger throws. */
export async function endSession({ settings, tables, origin }: Issuer, sid: string): Promise<void> {
  await origin().endSession(settings.realm, sid)
  tables.endSession(sid, unixSeconds())
}

export function unixSeconds(): number {
  return Math.floor(Date.now() / 1000)
}

export function notAttached(): PortcullisError {
  return new PortcullisError('fault', 'the development issuer has no origin: call issuer.attach(origin) before it serves')
}

/** Where the ledger is: a gate that is not as far refreshes before it accepts the token. */
function headOf({ settings, origin }: Issuer): number {
  const status = origin().status()
  return status.find(({ realm }) => realm === settings.realm)?.sequence ?? 0
}

/** The version of the tokens that a login gets: the least that the ledger lets pass. */
function versionOf({ settings, origin }: Issuer, user: User): number {
  return Math.max(user.version, origin().minimumVersion(settings.realm, user.sub))
}

/**
 * The second in which tokens may be issued. Whatever was issued up to a not-before is refused, so right after a logout
 * this is the next one. Throws a `Problem` when it is later than that.
 */
export async function issuableAt(issuer: Issuer, user: User, client: DevClient, sid: string): Promise<number> {
  const { settings, origin } = issuer
  const deadline = Date.now() + MAX_WAIT_MS
  for (;;) {
    const now = unixSeconds()
    const reason = origin().refuses(settings.realm, {
      subject: user.sub,
      session: sid,
      authorizedParty: client.id,
      issuedAt: now,
      expiresAt: now + settings.accessTokenSeconds,
      tokenVersion: versionOf(issuer, user),
    })
    if (reason === undefined) return now
    if (reason === 'session_revoked' || reason === 'version_revoked' || Date.now() > deadline) {
      throw new Problem(400, 'invalid_grant', 'what would be issued is revoked already')
    }
    const restOfSecondMs = 1_000 - (Date.now() % 1_000)
    await new Promise((resolve) => setTimeout(resolve, restOfSecondMs))
  }
}
