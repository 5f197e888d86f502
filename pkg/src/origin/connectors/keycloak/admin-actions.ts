import type { UnverifiedToken } from '../issuer-tokens.ts'
import { hasType, optionalNames, requiredDate, requiredName } from '../message-claims.ts'
import type { JudgedMessage, MessageIntake } from '../message-intake.ts'
import { MessageRefused } from '../message-refused.ts'
import { type Timeliness, timelinessOf } from '../message-times.ts'
import type { Revocation } from '../revocation.ts'

/** The longest validity if the clocks agree. Keycloak signs an action half a minute before its `expiration`. */
const LIFETIME_SECONDS = 60
/**
 * The members of every action and of each kind. An action has no `aud` or `iat`, so only they distinguish it from other
 * tokens.
 */
const MEMBERS = ['id', 'expiration', 'resource', 'action', 'notBefore']
const LOGOUT_MEMBERS = [...MEMBERS, 'adapterSessionIds', 'keycloakSessionIds']
/** For the audit log. */
const BECAUSE = 'admin action'

/** The admin actions that a realm accepts, and what they end. */
export interface AdminActionSettings {
  /** The clients (`resource`) whose actions are accepted. */
  audience: 'any' | readonly string[]
  /** The scope of a session id: the whole session, or only the part of the client in `resource`. */
  scope: 'session' | 'client_session'
}

/**
 * Returns the receiver of Keycloak's admin action `LOGOUT`: `{ id, expiration, resource, action, notBefore,
 * adapterSessionIds?, keycloakSessionIds? }` and no other members; `expiration` at most a minute ahead. If
 * `keycloakSessionIds` is present, those sessions are ended. Without session ids the realm is logged out as of
 * `notBefore`. Rejects with `MessageRefused`, or as the origin's verbs do.
 */
export function logoutAction(intake: MessageIntake, settings: AdminActionSettings): (token: string) => Promise<void> {
  return async (token) => {
    await intake.take(token, (unverified, now) => judgeLogoutAction(unverified, settings, now))
  }
}

/**
 * Returns the receiver of Keycloak's admin action `PUSH_NOT_BEFORE`: `{ id, expiration, resource, action, notBefore }`
 * and no other members. The client's not-before and the realm's look alike here. The client's is raised at once;
 * `onPush` then reads the realm's, and is not awaited. Rejects with `MessageRefused`, or as the origin's verbs do.
 */
export function pushNotBeforeAction(
  intake: MessageIntake,
  settings: AdminActionSettings,
  onPush: () => void,
): (token: string) => Promise<void> {
  return async (token) => {
    const { outcome } = await intake.take(token, (unverified, now) => judgePushAction(unverified, settings, now))
    if (outcome === 'recorded') onPush()
  }
}

/** Judges a `LOGOUT` action on its own; `now` in unix seconds. Throws `MessageRefused`. */
export function judgeLogoutAction(token: UnverifiedToken, settings: AdminActionSettings, now: number): JudgedMessage {
  const { claims } = token
  const action = judgeAction(token, 'LOGOUT', LOGOUT_MEMBERS, settings, now)
  const sessions = optionalNames(claims, 'keycloakSessionIds')
  const isForSome = sessions.length > 0 || optionalNames(claims, 'adapterSessionIds').length > 0
  const revocations = isForSome
    ? sessions.map((sid) => endedSession(sid, action, settings.scope))
    : notBeforeOf({ kind: 'realm' }, action)
  // The action has only the client's own session ids, which are unknown here, or no time.
  if (revocations.length === 0)
    throw new MessageRefused('invalid_claim', 'it names neither a session of the realm nor a time')
  return { ...action, revocations }
}

/** Judges a `PUSH_NOT_BEFORE` action on its own; `now` in unix seconds. Throws `MessageRefused`. */
export function judgePushAction(token: UnverifiedToken, settings: AdminActionSettings, now: number): JudgedMessage {
  const action = judgeAction(token, 'PUSH_NOT_BEFORE', MEMBERS, settings, now)
  return { ...action, revocations: notBeforeOf({ kind: 'client', client: action.client }, action) }
}

interface AdminAction {
  id: string
  client: string
  /** Unix seconds; 0 if none is set. */
  notBefore: number
  expiresAt: number
  timeliness: Timeliness
}

function judgeAction(
  { header, claims }: UnverifiedToken,
  kind: 'LOGOUT' | 'PUSH_NOT_BEFORE',
  members: readonly string[],
  { audience }: AdminActionSettings,
  now: number,
): AdminAction {
  if (!hasType(header, 'jwt')) throw new MessageRefused('wrong_type', 'typ in the header is not JWT')
  if (!Object.keys(claims).every((member) => members.includes(member))) {
    throw new MessageRefused('forbidden_claim', `it may have only the members ${members.join(', ')}`)
  }
  const { action, notBefore } = claims
  if (action !== kind) throw new MessageRefused('wrong_type', `action is not ${kind}`)
  const client = requiredName(claims, 'resource')
  if (audience !== 'any' && !audience.includes(client)) {
    throw new MessageRefused('wrong_audience', 'resource is not one of the clients in logoutTokenAudience')
  }
  if (!Number.isSafeInteger(notBefore) || Number(notBefore) < 0) {
    throw new MessageRefused('invalid_claim', 'notBefore must be a whole number of unix seconds')
  }
  const expiresAt = requiredDate(claims, 'expiration')
  const timeliness = timelinessOf({ issuedAt: expiresAt - LIFETIME_SECONDS, expiresAt }, now)
  return { id: requiredName(claims, 'id'), client, notBefore: Number(notBefore), expiresAt, timeliness }
}

function notBeforeOf(
  subject: { kind: 'realm' } | { kind: 'client'; client: string },
  { notBefore }: AdminAction,
): Revocation[] {
  return notBefore === 0 ? [] : [{ ...subject, occurredAt: notBefore, because: BECAUSE }]
}

function endedSession(sid: string, action: AdminAction, scope: AdminActionSettings['scope']): Revocation {
  const dated = { ...timeOf(action), because: BECAUSE }
  switch (scope) {
    case 'session':
      return { kind: 'session', sid, ...dated }
    case 'client_session':
      return { kind: 'clientSession', sid, client: action.client, ...dated }
  }
}

/**
 * Returns when Keycloak created an action: its id ends in that time in milliseconds. Without it, the time of arrival
 * counts.
 */
function timeOf({ id, expiresAt }: AdminAction): { occurredAt?: number } {
  const seconds = Number(/-([1-9]\d{12})$/.exec(id)?.[1]) / 1000
  return seconds >= expiresAt - LIFETIME_SECONDS && seconds <= expiresAt ? { occurredAt: seconds } : {}
}
