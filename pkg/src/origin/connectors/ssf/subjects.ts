import { isObject } from '../../../options.ts'
import { checkIssuer, type MessageClaims, requiredName } from '../message-claims.ts'
import { MessageRefused } from '../message-refused.ts'

/** The subject of a security event: the user, the session, or both. `all`: every session of the user. */
export interface EventSubject {
  readonly sub?: string
  readonly session?: 'all' | { readonly sid: string }
}

/** Keycloak's value for all sessions of a user. */
const ALL_SESSIONS = 'ALL'

/**
 * The subject of a security event (`sub_id`, RFC 9493; complex subjects: OpenID Shared Signals Framework 1.0 §3.3). A
 * user is named by `iss_sub` of this issuer, a session by `opaque`. Other members of a complex subject, such as a
 * device, are ignored, so that more tokens are refused rather than fewer. Throws `MessageRefused`.
 */
export function subjectOf(identifier: MessageClaims, issuer: string): EventSubject {
  const { user, session } = identifier['format'] === 'complex' ? identifier : { user: identifier, session: identifier }
  const subject = { ...userOf(user, issuer), ...sessionOf(session) }
  if (subject.sub !== undefined || subject.session !== undefined) return subject
  throw new MessageRefused('invalid_claim', 'sub_id names neither a user by iss_sub nor a session by opaque')
}

function userOf(identifier: unknown, issuer: string): Pick<EventSubject, 'sub'> {
  if (!isObject(identifier) || identifier['format'] !== 'iss_sub') return {}
  checkIssuer(identifier, [issuer])
  return { sub: requiredName(identifier, 'sub') }
}

function sessionOf(identifier: unknown): Pick<EventSubject, 'session'> {
  if (!isObject(identifier) || identifier['format'] !== 'opaque') return {}
  const sid = requiredName(identifier, 'id')
  return { session: sid === ALL_SESSIONS ? 'all' : { sid } }
}
