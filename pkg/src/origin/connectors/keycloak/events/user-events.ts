import { isObject } from '../../../../options.ts'
import { nameIn, objectIn, readIdentity } from './event-members.ts'
import type { KeycloakEvent, Occurrence } from './events.ts'

type Members = Readonly<Record<string, unknown>>

/** Keycloak's reason for refusing a refresh token that was used before (*Revoke Refresh Token*). */
const REUSE = 'Maximum allowed refresh token reuse exceeded'

const OTHER = { kind: 'other' } as const
const UNREADABLE = { kind: 'unreadable' } as const

type Reader = (event: Members) => Occurrence

/** The readers of the types that have an effect. */
const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['LOGOUT', readLogout],
  ['REVOKE_GRANT', readRevokedGrant],
  ['REFRESH_TOKEN_ERROR', readRefusedRefresh],
  ['USER_DISABLED_BY_PERMANENT_LOCKOUT', ofUser('locked_out_for_good')],
  ['USER_DISABLED_BY_TEMPORARY_LOCKOUT', ofUser('locked_out_for_a_time')],
  ['UPDATE_PASSWORD', ofUser('password_changed')],
  ['UPDATE_CREDENTIAL', readChangedCredential],
  ['DELETE_ACCOUNT', ofUser('user_deleted')],
  ['IMPERSONATE', readImpersonation],
  ['CLIENT_DELETE', readDeletedClient],
])

/**
 * The types of user events that can end something. Keycloak responds with 500 to a type that its version does not know.
 */
export const USER_EVENT_TYPES: readonly string[] = [...READERS.keys()]

/**
 * Parses a user event that Keycloak sent as JSON. Never throws; returns `undefined` for a value without id and time,
 * which is not an event.
 */
export function readUserEvent(event: unknown): KeycloakEvent | undefined {
  const identity = isObject(event) ? readIdentity(event) : undefined
  if (!isObject(event) || identity === undefined) return undefined
  const { type } = event
  const read = typeof type === 'string' ? READERS.get(type) : undefined
  return read === undefined
    ? { ...identity, because: 'event', ...OTHER }
    : { ...identity, because: `event ${type}`, ...read(event) }
}

function readLogout(event: Members): Occurrence {
  const sid = nameIn(event, 'sessionId')
  return sid === undefined ? UNREADABLE : { kind: 'session_ended', sid }
}

/** Reads the revocation of an access token or a refresh token at `/revoke`, or of a consent in the account console. */
function readRevokedGrant(event: Members): Occurrence {
  const details = objectIn(event, 'details')
  const tokenId = nameIn(details, 'token_id')
  if (tokenId !== undefined) return { kind: 'token_revoked', tokenId }
  const [client, sid, sub] = [nameIn(details, 'revoked_client'), nameIn(event, 'sessionId'), nameIn(event, 'userId')]
  if (client !== undefined && sid !== undefined) return { kind: 'client_session_ended', sid, client }
  return client !== undefined && sub !== undefined ? { kind: 'consent_removed', sub, client } : UNREADABLE
}

function readRefusedRefresh(event: Members): Occurrence {
  if (objectIn(event, 'details')?.['reason'] !== REUSE) return OTHER
  const [sid, client] = [nameIn(event, 'sessionId'), nameIn(event, 'clientId')]
  return sid === undefined || client === undefined ? UNREADABLE : { kind: 'refresh_token_reused', sid, client }
}

function readChangedCredential(event: Members): Occurrence {
  return objectIn(event, 'details')?.['credential_type'] === 'password' ? ofUser('password_changed')(event) : OTHER
}

function readImpersonation(event: Members): Occurrence {
  const [sub, sid] = [nameIn(event, 'userId'), nameIn(event, 'sessionId')]
  return sub === undefined || sid === undefined ? UNREADABLE : { kind: 'impersonated', sub, sid }
}

/** Reads the deletion of a client by dynamic registration (OpenID Connect Dynamic Client Registration 1.0). */
function readDeletedClient(event: Members): Occurrence {
  const client = nameIn(event, 'clientId')
  return client === undefined ? UNREADABLE : { kind: 'client_deleted', client }
}

function ofUser(kind: 'locked_out_for_good' | 'locked_out_for_a_time' | 'password_changed' | 'user_deleted'): Reader {
  return (event) => {
    const sub = nameIn(event, 'userId')
    return sub === undefined ? UNREADABLE : { kind, sub }
  }
}
