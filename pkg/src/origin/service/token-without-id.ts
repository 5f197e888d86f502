import { PortcullisError } from '../../errors.ts'
import type { Reason } from '../../reasons.ts'
import type { Claims } from '../../types.ts'
import type { DatedAct, Recorded, RevokedToken } from '../api.ts'
import type { LedgerCore, LedgerEvent } from '../core/ledger.ts'
import type { IdentifiedToken, OriginGate } from '../gate/gate.ts'
import type { RealmSettings, Settings } from '../settings.ts'
import { refused } from './checks.ts'
import { tellSessionEnded } from './issuer.ts'
import type { Recorder } from './recorder.ts'
import type { SubjectIssuers } from './subject-issuers.ts'

export interface TokensWithoutIdOptions {
  settings: Settings
  gate: Pick<OriginGate, 'check'>
  recorder: Recorder
  issuers: SubjectIssuers
  /** Throws `unknown_realm` or `closed`. */
  ledger: (realm: string) => Pick<LedgerCore, 'refuses'>
  /** Reports a failure that occurs after a revocation was recorded. */
  onFault: (cause: unknown, message: string) => void
}

/** The `detail` of a line about a session or a user that was ended by a token without an id. */
const DETAIL = 'token_without_id'

/**
 * Revokes a token without an id by its session or its user, as the realm's `withoutTokenId` specifies. It ends the
 * session once, or the user's tokens up to its own `iat`, so that a repeated token changes nothing and later logins
 * stay valid. Only a token that the origin's gate accepts may end more than itself; one that is already refused for a
 * revocation or its age needs no record. Rejects with `invalid_event` (`missing_token_id`, `missing_session`,
 * `missing_subject`), `invalid_token`, `jwks_unreachable`, or as `Committer.record`.
 */
export async function revokeWithoutId(
  options: TokensWithoutIdOptions,
  token: string,
  identified: IdentifiedToken,
  act: DatedAct,
): Promise<RevokedToken> {
  const realm = settingsOf(options, identified.name)
  const ends = endedBy(realm, identified)
  const judged = await options.gate.check(token)
  if (!judged.ok) return { ...options.recorder.inForce(realm.name), ended: endedBefore(judged.reason) }
  switch (ends.kind) {
    case 'session':
      return { ...(await endSession(options, realm.name, ends, act)), ended: 'session' }
    case 'user': {
      const event = { ...ends, notBefore: comparedTime(realm, identified, judged.claims) }
      const line = { action: 'user_logged_out', subject: ends.subject, detail: DETAIL } as const
      return { ...(await options.recorder.record(realm.name, event, line, act)), ended: 'user' }
    }
  }
}

/** Returns the subject that the token ends. */
function endedBy(
  { withoutTokenId = 'refuse' }: RealmSettings,
  token: IdentifiedToken,
): LedgerEvent & { kind: 'session' | 'user' } {
  const { session, subject, issuedAt } = token.signedBy === 'issuer' ? token : { issuedAt: token.issuedAt }
  switch (withoutTokenId) {
    case 'refuse':
      throw refused('missing_token_id', 'the token has no jti')
    case 'session':
      if (session === undefined || session === '')
        throw refused('missing_session', 'the token has neither an id nor a session')
      return { kind: 'session', session, ...(issuedAt === undefined ? {} : { issuedAt }) }
    case 'user':
      if (subject === undefined || subject === '')
        throw refused('missing_subject', 'the token has neither an id nor a user')
      return { kind: 'user', subject }
  }
}

/** Ends the session, unless it has been ended since the token was judged: repetitions must not move its end. */
async function endSession(
  options: TokensWithoutIdOptions,
  realm: string,
  event: LedgerEvent & { kind: 'session' },
  act: DatedAct,
): Promise<Recorded> {
  const { recorder, issuers, ledger } = options
  const subject = {
    ...issuers.memberOf(realm, act.issuer),
    session: event.session,
    issuedAt: event.issuedAt ?? 0,
    expiresAt: event.issuedAt ?? 0,
  }
  function guard(): void {
    if (ledger(realm).refuses(subject) === 'session_revoked') throw new EndedMeanwhile()
  }
  try {
    const line = { action: 'session_ended', subject: event.session, detail: DETAIL } as const
    const recorded = await recorder.record(realm, event, line, act, guard)
    await tellSessionEnded(options, realm, event.session)
    return recorded
  } catch (error) {
    if (error instanceof EndedMeanwhile) return recorder.inForce(realm)
    throw error
  }
}

class EndedMeanwhile extends Error {}

/**
 * Returns the token's `iat`, which the gate compares with a not-before; with `compare: 'authTime'` its login, if a
 * wrong clock made that later.
 */
function comparedTime({ compare }: RealmSettings, { issuedAt = 0 }: { issuedAt?: number }, claims: Claims): number {
  const loggedInAt = claims['auth_time']
  return compare === 'authTime' && typeof loggedInAt === 'number'
    ? Math.max(issuedAt, Math.floor(loggedInAt))
    : issuedAt
}

/** Returns the kind of revocation that already refuses a token. Throws if the gate would never have accepted it. */
function endedBefore(reason: Reason): RevokedToken['ended'] {
  switch (reason) {
    case 'session_revoked':
      return 'session'
    case 'user_revoked':
      return 'user'
    case 'expired':
    case 'token_revoked':
    case 'grant_revoked':
    case 'client_revoked':
    case 'realm_revoked':
    case 'version_revoked':
      return 'token'
    case 'keys_unavailable':
    case 'stale_feed':
    case 'no_feed':
      throw new PortcullisError('jwks_unreachable', 'the token cannot be judged at the moment')
    case 'missing_token':
    case 'invalid_request':
    case 'malformed':
    case 'unsupported_algorithm':
    case 'unknown_key':
    case 'banned_key':
    case 'bad_signature':
    case 'wrong_type':
    case 'wrong_issuer':
    case 'wrong_audience':
    case 'missing_claim':
    case 'not_yet_valid':
    case 'issued_in_future':
    case 'lifetime_exceeded':
    case 'cross_site':
    case 'insufficient_scope':
      throw new PortcullisError('invalid_token', 'invalid token', { detail: reason })
  }
}

function settingsOf({ settings }: TokensWithoutIdOptions, realm: string): RealmSettings {
  const found = settings.realms.find(({ name }) => name === realm)
  if (found === undefined) throw new PortcullisError('unknown_realm', 'unknown realm')
  return found
}
