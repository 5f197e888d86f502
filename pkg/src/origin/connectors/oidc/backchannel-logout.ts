import { isObject } from '../../../options.ts'
import type { UnverifiedToken } from '../issuer-tokens.ts'
import {
  audiencesOf,
  checkAbsent,
  checkIssuer,
  hasType,
  type MessageClaims,
  optionalName,
  requiredDate,
  requiredName,
  requiredObject,
} from '../message-claims.ts'
import type { JudgedMessage, MessageIntake } from '../message-intake.ts'
import { MessageRefused } from '../message-refused.ts'
import { timelinessOf } from '../message-times.ts'
import type { Revocation } from '../revocation.ts'

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/** Keycloak's extension: a boolean beside the event. */
const REVOKE_OFFLINE_ACCESS = 'revoke_offline_access'

/** The logout tokens that a realm accepts, and what they end. */
export interface BackchannelLogoutSettings {
  /** The names of the issuer. */
  issuers: readonly string[]
  /** The clients whose logout tokens are accepted. */
  audience: 'any' | readonly string[]
  /** Logout tokens without `typ: logout+jwt`, of servers older than the specification's final version. */
  olderTokens: 'refuse' | 'accept'
  /**
   * The scope of a `sid`: the whole session, the part of the clients in `aud`, or all tokens of its `sub` up to that
   * time.
   */
  scope: 'session' | 'client_session' | 'user'
}

/**
 * Returns the receiver of logout tokens of OpenID Connect Back-Channel Logout 1.0. It makes all checks of §2.6 except
 * those against earlier ID tokens, which a resource server does not see. With `sid` it ends that session as of `iat`,
 * without it all sessions of `sub`. With Keycloak's `revoke_offline_access` it also refuses the tokens of `sub` that
 * were issued to the clients in `aud` up to `iat`. Rejects with `MessageRefused`, or as the origin's verbs do.
 */
export function backchannelLogout(
  intake: MessageIntake,
  settings: BackchannelLogoutSettings,
): (logoutToken: string) => Promise<void> {
  return async (logoutToken) => {
    await intake.take(logoutToken, (token, now) => judgeLogoutToken(token, settings, now))
  }
}

/** Judges a logout token on its own; `now` in unix seconds. Throws `MessageRefused`. */
export function judgeLogoutToken(
  { header, claims, named }: UnverifiedToken,
  settings: BackchannelLogoutSettings,
  now: number,
): JudgedMessage {
  checkType(header, claims, settings.olderTokens)
  const issuer = checkIssuer(claims, settings.issuers)
  const clients = audiencesOf(claims)
  const { audience } = settings
  if (audience !== 'any' && !clients.some((client) => audience.includes(client))) {
    throw new MessageRefused('wrong_audience', 'aud is not one of the clients in logoutTokenAudience')
  }
  const issuedAt = requiredDate(claims, 'iat')
  const timeliness = timelinessOf({ issuedAt, expiresAt: requiredDate(claims, 'exp') }, now)
  // An ID token has a nonce, so neither can be used as the other (§2.4).
  checkAbsent(claims, ['nonce'])
  const offlineAccess = offlineAccessOf(requiredObject(claims, 'events'))
  const sub = optionalName(named, 'sub')
  const dated = { occurredAt: issuedAt, because: 'logout token' }
  const grants =
    sub === undefined || offlineAccess === 'kept'
      ? []
      : clients.map((client): Revocation => ({ kind: 'grant', sub, client, ...dated }))
  return {
    issuer,
    id: requiredName(named, 'jti'),
    timeliness,
    revocations: [...endedBy({ sub, sid: optionalName(named, 'sid'), clients }, settings.scope, dated), ...grants],
  }
}

/**
 * Checks the explicit type (§2.4). Keycloak's claim `typ` prevents its other tokens from being accepted as older logout
 * tokens.
 */
function checkType(
  header: UnverifiedToken['header'],
  claims: MessageClaims,
  olderTokens: BackchannelLogoutSettings['olderTokens'],
): void {
  const isOlder = header['typ'] === undefined || hasType(header, 'jwt')
  if (!hasType(header, 'logout+jwt') && !(olderTokens === 'accept' && isOlder)) {
    throw new MessageRefused('wrong_type', 'typ in the header is not logout+jwt')
  }
  const { typ = 'Logout' } = claims
  if (typ !== 'Logout') throw new MessageRefused('wrong_type', 'it is a token of another kind')
}

/** Checks `events`: one event, which is an object (§2.4). */
function offlineAccessOf(events: MessageClaims): 'revoked' | 'kept' {
  const revoke = events[REVOKE_OFFLINE_ACCESS] ?? false
  if (typeof revoke !== 'boolean')
    throw new MessageRefused('invalid_claim', `${REVOKE_OFFLINE_ACCESS} in events must be a boolean`)
  const kinds = Object.keys(events).filter((kind) => isObject(events[kind]))
  if (kinds.length !== 1 || kinds[0] !== LOGOUT_EVENT)
    throw new MessageRefused('invalid_claim', 'events must have the logout event, an object, and no other')
  return revoke ? 'revoked' : 'kept'
}

function endedBy(
  { sub, sid, clients }: { sub: string | undefined; sid: string | undefined; clients: readonly string[] },
  scope: BackchannelLogoutSettings['scope'],
  dated: { occurredAt: number; because: string },
): Revocation[] {
  if (sid === undefined) {
    if (sub === undefined) throw new MessageRefused('missing_claim', 'sub and sid are missing: one of them is required')
    return [{ kind: 'user', sub, ...dated }]
  }
  switch (scope) {
    case 'session':
      return [{ kind: 'session', sid, ...dated }]
    case 'client_session':
      return clients.map((client) => ({ kind: 'clientSession', sid, client, ...dated }))
    case 'user':
      if (sub === undefined)
        throw new MessageRefused('missing_claim', 'sub is missing: this realm ends sessions by sub')
      return [{ kind: 'user', sub, ...dated }]
  }
}
