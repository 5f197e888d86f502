import { isObject } from '../../../../options.ts'
import { isName } from '../../../core/name.ts'
import { flagIn, nameIn, objectIn, readIdentity, representationOf, secondsIn, stringIn } from './event-members.ts'
import type { Actor, ClientState, KeycloakEvent, Occurrence, RealmState, UserState } from './events.ts'

type Members = Readonly<Record<string, unknown>>

/** An admin event that can end something. */
interface Row {
  /** `operationType resourceType`, as Keycloak spells them. */
  readonly on: string
  /** The pattern of its `resourcePath`, with a capture group for each name. */
  readonly path: RegExp
  /** For the audit log. */
  readonly because: string
  /** Its effect, given the names in the path. */
  readonly read: (names: readonly string[], event: Members) => Occurrence
}

/**
 * Keycloak puts names into paths unescaped, so a client id keeps its slashes. The path of the realm itself is empty or
 * missing.
 */
const ROWS: readonly Row[] = [
  {
    on: 'DELETE USER_SESSION',
    path: /^sessions\/(.+)$/s,
    because: 'session deleted',
    read: ([sid = '']) => ({ kind: 'session_ended', sid }),
  },
  {
    on: 'ACTION USER',
    path: /^users\/([^/]+)\/logout$/,
    because: 'user logged out',
    read: ([sub = '']) => ({ kind: 'user_logged_out', sub }),
  },
  {
    on: 'ACTION USER',
    path: /^users\/([^/]+)\/reset-password$/,
    because: 'password reset',
    read: ([sub = '']) => ({ kind: 'password_reset', sub }),
  },
  {
    on: 'ACTION USER',
    path: /^users\/([^/]+)\/consents\/(.+)$/s,
    because: 'consent removed',
    read: ([sub = '', client = '']) => ({ kind: 'consent_removed', sub, client }),
  },
  {
    on: 'UPDATE USER',
    path: /^users\/([^/]+)$/,
    because: 'user updated',
    read: ([sub = ''], event) => ({ kind: 'user_updated', sub, actor: actorOf(event), set: stateIn(event, userState) }),
  },
  {
    on: 'DELETE USER',
    path: /^users\/([^/]+)$/,
    because: 'user deleted',
    read: ([sub = '']) => ({ kind: 'user_deleted', sub }),
  },
  ...['REALM_ROLE_MAPPING', 'CLIENT_ROLE_MAPPING', 'GROUP_MEMBERSHIP'].map((resource) => ({
    on: `DELETE ${resource}`,
    path: /^users\/([^/]+)\//,
    because: 'role removed',
    read: ([sub = '']: readonly string[]): Occurrence => ({ kind: 'role_removed', sub }),
  })),
  {
    on: 'UPDATE CLIENT',
    path: /^clients\/([^/]+)$/,
    because: 'client updated',
    read: ([uuid = ''], event) => ({ kind: 'client_updated', uuid, set: stateIn(event, clientState) }),
  },
  {
    on: 'ACTION CLIENT',
    path: /^clients\/([^/]+)\/push-revocation$/,
    because: 'client revocation pushed',
    read: ([uuid = '']) => ({ kind: 'client_revocation_pushed', uuid }),
  },
  { on: 'DELETE CLIENT', path: /^clients\/([^/]+)$/, because: 'client deleted', read: readDeletedClient },
  { on: 'ACTION REALM', path: /^logout-all$/, because: 'realm logged out', read: () => ({ kind: 'realm_logged_out' }) },
  {
    on: 'UPDATE REALM',
    path: /^$/,
    because: 'realm updated',
    read: (_, event) => ({ kind: 'realm_updated', set: stateIn(event, realmState) }),
  },
]

const KNOWN = [...new Set(ROWS.map(({ on }) => on))].map((on) => on.split(' '))

/** The operations and resource types of admin events that can end something. */
export const ADMIN_OPERATIONS: readonly string[] = [...new Set(KNOWN.map(([operation = '']) => operation))]
export const ADMIN_RESOURCES: readonly string[] = [...new Set(KNOWN.map(([, resource = '']) => resource))]

/**
 * Parses an admin event that Keycloak sent as JSON. Never throws; returns `undefined` for a value without id and time,
 * which is not an event.
 */
export function readAdminEvent(event: unknown): KeycloakEvent | undefined {
  const identity = isObject(event) ? readIdentity(event) : undefined
  if (!isObject(event) || identity === undefined) return undefined
  const on = `${stringIn(event, 'operationType')} ${stringIn(event, 'resourceType')}`
  const path = stringIn(event, 'resourcePath')
  for (const row of ROWS) {
    const names = row.on === on ? row.path.exec(path)?.slice(1) : undefined
    if (names === undefined) continue
    const occurrence = names.every(isName) ? row.read(names, event) : ({ kind: 'unreadable' } as const)
    return { ...identity, because: `admin event: ${row.because}`, ...occurrence }
  }
  return { ...identity, because: 'admin event', kind: 'other' }
}

function readDeletedClient([uuid = '']: readonly string[], event: Members): Occurrence {
  const client = nameIn(representationOf(event), 'clientId')
  return client === undefined ? { kind: 'client_deleted_without_name', uuid } : { kind: 'client_deleted', client }
}

function stateIn<State>(event: Members, stateOf: (representation: Members) => State): State | undefined {
  const representation = representationOf(event)
  return representation === undefined ? undefined : stateOf(representation)
}

/** Reads the state of a user from a representation of Keycloak's admin API. */
export function userState(representation: Members): UserState {
  const [enabled, attributes] = [flagIn(representation, 'enabled'), objectIn(representation, 'attributes')]
  return { ...(enabled === undefined ? {} : { enabled }), ...(attributes === undefined ? {} : { attributes }) }
}

/** Reads the state of a client in the same way. */
export function clientState(representation: Members): ClientState {
  const clientId = nameIn(representation, 'clientId')
  return { ...realmState(representation), ...(clientId === undefined ? {} : { clientId }) }
}

function realmState(representation: Members): RealmState {
  const [enabled, notBefore] = [flagIn(representation, 'enabled'), secondsIn(representation, 'notBefore')]
  return { ...(enabled === undefined ? {} : { enabled }), ...(notBefore === undefined ? {} : { notBefore }) }
}

function actorOf(event: Members): Actor | undefined {
  const details = objectIn(event, 'authDetails')
  const [realmUuid, clientUuid] = [nameIn(details, 'realmId'), nameIn(details, 'clientId')]
  return realmUuid === undefined || clientUuid === undefined
    ? undefined
    : { clientUuid, ofThisRealm: realmUuid === event['realmId'] }
}
