import { isObject } from '../../../options.ts'
import type { UnverifiedToken } from '../issuer-tokens.ts'
import {
  audiencesOf,
  checkAbsent,
  checkIssuer,
  hasType,
  type MessageClaims,
  optionalDate,
  requiredDate,
  requiredName,
  requiredObject,
} from '../message-claims.ts'
import type { JudgedMessage } from '../message-intake.ts'
import { MessageRefused } from '../message-refused.ts'
import { timelinessOf } from '../message-times.ts'
import type { Revocation } from '../revocation.ts'
import { type EventSubject, subjectOf } from './subjects.ts'

const SESSION_REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked'
const CREDENTIAL_CHANGE = 'https://schemas.openid.net/secevent/caep/event-type/credential-change'
const VERIFICATION = 'https://schemas.openid.net/secevent/ssf/event-type/verification'

/** The security events that a realm accepts, and what they end. */
export interface SecurityEventSettings {
  /** The names of the issuer. */
  issuers: readonly string[]
  /** The `aud` of the stream; absent for any. */
  audience?: string | undefined
  /** Whether a credential change by someone else, such as an administrator, refuses the user's tokens. */
  passwordReset: 'user' | 'ignore'
  /** Whether the user's own credential change refuses the user's tokens. */
  passwordChanged: 'user' | 'ignore'
}

/** A security event token, judged. */
interface JudgedEvent extends JudgedMessage {
  /** Whether the types of all its events are supported. */
  readonly types: 'known' | 'unknown'
}

/**
 * Judges a security event token (RFC 8417) on its own, as profiled by OpenID Shared Signals Framework 1.0 §4.1; `now`
 * in unix seconds. Throws `MessageRefused`.
 */
export function judgeSecurityEvent(
  { header, claims, named }: UnverifiedToken,
  settings: SecurityEventSettings,
  now: number,
): JudgedEvent {
  if (!hasType(header, 'secevent+jwt')) throw new MessageRefused('wrong_type', 'typ in the header is not secevent+jwt')
  // §4.1.2, §4.1.7: no other kind of token is accepted.
  checkAbsent(claims, ['sub', 'exp'])
  const issuer = checkIssuer(claims, settings.issuers)
  if (settings.audience !== undefined && !audiencesOf(claims).includes(settings.audience)) {
    throw new MessageRefused('wrong_audience', 'aud is not the one of the stream')
  }
  const issuedAt = requiredDate(claims, 'iat')
  const timeliness = timelinessOf({ issuedAt }, now)
  const events = Object.entries(requiredObject(claims, 'events'))
  if (events.length === 0) throw new MessageRefused('missing_claim', 'events is empty')
  const judged = events.map(([type, event]) => {
    if (!isObject(event)) throw new MessageRefused('invalid_claim', 'an event must be an object')
    return judgeEvent(type, event, named, { ...settings, issuer, issuedAt, now })
  })
  return {
    issuer,
    id: requiredName(named, 'jti'),
    timeliness,
    revocations: judged.flatMap((revocations) => (revocations === 'unknown' ? [] : revocations)),
    types: judged.includes('unknown') ? 'unknown' : 'known',
  }
}

type Around = SecurityEventSettings & { issuer: string; issuedAt: number; now: number }

function judgeEvent(
  type: string,
  event: MessageClaims,
  named: MessageClaims,
  around: Around,
): Revocation[] | 'unknown' {
  switch (type) {
    case SESSION_REVOKED:
      return sessionRevoked(subjectOf(requiredObject(named, 'sub_id'), around.issuer), timeOf(event, around))
    case CREDENTIAL_CHANGE:
      return credentialChanged(subjectOf(requiredObject(named, 'sub_id'), around.issuer), event, around)
    case VERIFICATION:
      return []
    default:
      return 'unknown'
  }
}

/** CAEP 1.0 §3.1: ends the session, or without one all sessions of the user. */
function sessionRevoked({ sub, session = 'all' }: EventSubject, occurredAt: number): Revocation[] {
  const dated = { occurredAt, because: 'event session-revoked' }
  if (session !== 'all') return [{ kind: 'session', sid: session.sid, ...dated }]
  if (sub === undefined) throw new MessageRefused('missing_claim', 'sub_id names no user')
  return [{ kind: 'user', sub, ...dated }]
}

/** CAEP 1.0 §3.3. If `initiating_entity` is absent, it may have been an administrator. */
function credentialChanged({ sub }: EventSubject, event: MessageClaims, around: Around): Revocation[] {
  const policy = event['initiating_entity'] === 'user' ? around.passwordChanged : around.passwordReset
  if (sub === undefined) throw new MessageRefused('missing_claim', 'sub_id names no user')
  switch (policy) {
    case 'ignore':
      return []
    case 'user':
      return [{ kind: 'user', sub, occurredAt: timeOf(event, around), because: 'event credential-change' }]
  }
}

/** Returns the time of the event (CAEP 1.0 §2), or else of the token's issue. */
function timeOf(event: MessageClaims, { issuedAt, now }: Around): number {
  const occurredAt = optionalDate(event, 'event_timestamp')
  if (occurredAt === undefined) return issuedAt
  // Throws for a time too far ahead.
  timelinessOf({ issuedAt: occurredAt }, now)
  return occurredAt
}
