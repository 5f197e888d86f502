import type { Revocation } from '../../revocation.ts'
import type { KeycloakSettings } from '../options.ts'
import type { ClientNames } from './client-names.ts'
import type { CurrentState } from './current-state.ts'
import type { ClientState, KeycloakEvent, UserState } from './events.ts'

/** The effects of an event. */
export interface Consequence {
  readonly revocations: readonly Revocation[]
  /** Something else for an operator: an impersonation, or an event without the members that identify what it ends. */
  readonly note?: EventNote
}

export type EventNote =
  | { readonly kind: 'impersonated'; readonly sub: string; readonly sid: string }
  | { readonly kind: 'unreadable' | 'nameless_client' }

export interface MappingContext {
  settings: KeycloakSettings
  names: ClientNames
  state: CurrentState
}

type EventOf<Kind extends KeycloakEvent['kind']> = Extract<KeycloakEvent, { kind: Kind }>

const NOTHING: Consequence = { revocations: [] }

/**
 * Returns the revocations that an event requires, according to the options. Their times are the event's own, or the
 * not-before that it set. Keycloak writes a logout event only after all receivers have responded, up to 5 s each; until
 * then the sessions that it ends can still be refreshed. Asks Keycloak only for what the event omits, and may then
 * reject with `connector_failed`.
 */
export async function consequenceOf(event: KeycloakEvent, context: MappingContext): Promise<Consequence> {
  const { settings, state } = context
  const dated = datedBy(event)
  switch (event.kind) {
    case 'session_ended':
      return only({ kind: 'session', sid: event.sid, ...dated })
    case 'client_session_ended':
      return only({ kind: 'clientSession', sid: event.sid, client: event.client, ...dated })
    case 'refresh_token_reused':
      return settings.refreshTokenReuse === 'session'
        ? only({ kind: 'session', sid: event.sid, ...dated })
        : only({ kind: 'clientSession', sid: event.sid, client: event.client, ...dated })
    case 'token_revoked':
      return only({ kind: 'token', tokenId: event.tokenId, ...dated })
    case 'consent_removed':
      if (settings.consentRemoved === 'grant')
        return only({ kind: 'grant', sub: event.sub, client: event.client, ...dated })
      return ofUser(event, settings.consentRemoved)
    case 'user_logged_out':
      return ofUser(event, 'user')
    case 'user_deleted':
      return ofUser(event, settings.userDeleted)
    case 'role_removed':
      return ofUser(event, settings.roleRemoved)
    case 'locked_out_for_good':
      return ofUser(event, settings.permanentLockout)
    case 'locked_out_for_a_time':
      return ofUser(event, settings.temporaryLockout)
    case 'password_reset':
      return ofUser(event, settings.passwordReset)
    case 'password_changed':
      return ofUser(event, settings.passwordChanged)
    case 'user_updated':
      return updatedUser(event, context)
    case 'impersonated':
      return impersonation(event, settings.impersonation)
    case 'client_updated':
      return updatedClient(event, context)
    case 'client_revocation_pushed':
      return { revocations: clientNotBefore(event, await state.client(event.uuid)) }
    case 'client_deleted':
      return settings.clientDeleted === 'client' ? only({ kind: 'client', client: event.client, ...dated }) : NOTHING
    case 'client_deleted_without_name':
      return deletedClient(event, context)
    case 'realm_logged_out':
      return only({ kind: 'realm', ...dated })
    case 'realm_updated':
      return updatedRealm(event, settings)
    case 'other':
      return NOTHING
    case 'unreadable':
      return { revocations: [], note: { kind: 'unreadable' } }
  }
}

/** Returns the event's own time and its kind. */
function datedBy({ time, because }: KeycloakEvent): { readonly occurredAt: number; readonly because: string } {
  return { occurredAt: time / 1_000, because }
}

function only(revocation: Revocation): Consequence {
  return { revocations: [revocation] }
}

function ofUser(event: KeycloakEvent & { readonly sub: string }, choice: 'user' | 'ignore'): Consequence {
  return choice === 'user' ? only({ kind: 'user', sub: event.sub, ...datedBy(event) }) : NOTHING
}

async function updatedUser(event: EventOf<'user_updated'>, context: MappingContext): Promise<Consequence> {
  const { settings, state } = context
  if (await isEcho(event, context)) return NOTHING
  const { sub } = event
  const dated = datedBy(event)
  const user = event.set ?? (await state.user(sub))
  const minimum = versionOf(user, settings.tokenVersionAttribute)
  return {
    revocations: [
      ...(user?.enabled === false && settings.userDisabled === 'user'
        ? [{ kind: 'user', sub, ...dated } as const]
        : []),
      ...(minimum === undefined ? [] : [{ kind: 'tokenVersion', sub, minimum, ...dated } as const]),
    ],
  }
}

/**
 * Whether this update is the acting account's own write of `last_logout_time`, which repeats all other attributes
 * unchanged. It never sets `enabled`; an update that does is an administrator's.
 */
async function isEcho({ actor, set }: EventOf<'user_updated'>, { settings, names }: MappingContext): Promise<boolean> {
  if (
    settings.lastLogoutTime !== 'write' ||
    actor?.ofThisRealm !== true ||
    set === undefined ||
    set.enabled !== undefined
  )
    return false
  return (await names.nameOf(actor.clientUuid)) === settings.actingAccount?.clientId
}

/** Reads the version from an attribute; attributes are lists of strings. */
function versionOf(user: UserState | undefined, attribute: string): number | undefined {
  const values = user?.attributes?.[attribute]
  const [value] = Array.isArray(values) ? (values as unknown[]) : [values]
  const version = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : 0
  return version > 0 ? version : undefined
}

function impersonation(event: EventOf<'impersonated'>, choice: KeycloakSettings['impersonation']): Consequence {
  const { kind, sub, sid } = event
  const note = { kind, sub, sid }
  switch (choice) {
    case 'accept':
      return NOTHING
    case 'mark':
      return { revocations: [], note }
    case 'refuse':
      return { revocations: [{ kind: 'session', sid, ...datedBy(event) }], note }
  }
}

async function updatedClient(
  event: EventOf<'client_updated'>,
  { settings, names, state }: MappingContext,
): Promise<Consequence> {
  const { uuid } = event
  const client = event.set ?? (await state.client(uuid))
  if (client === undefined) return NOTHING
  if (client.clientId !== undefined) names.learn(uuid, client.clientId)
  const isDisabled = client.enabled === false && settings.clientDisabled === 'client'
  if (!isDisabled && (client.notBefore ?? 0) === 0) return NOTHING
  const clientId = client.clientId ?? (await names.nameOf(uuid))
  if (clientId === undefined) return { revocations: [], note: { kind: 'nameless_client' } }
  return {
    revocations: [
      ...(isDisabled ? [{ kind: 'client', client: clientId, ...datedBy(event) } as const] : []),
      ...clientNotBefore(event, { ...client, clientId }),
    ],
  }
}

function clientNotBefore({ because }: KeycloakEvent, client: ClientState | undefined): Revocation[] {
  const { clientId, notBefore = 0 } = client ?? {}
  return clientId === undefined || notBefore === 0
    ? []
    : [{ kind: 'client', client: clientId, occurredAt: notBefore, because }]
}

/**
 * Returns the consequence of a deletion without the client's name: the realm stores no details and the client is gone,
 * but its name may still be known.
 */
async function deletedClient(
  event: EventOf<'client_deleted_without_name'>,
  { settings, names }: MappingContext,
): Promise<Consequence> {
  if (settings.clientDeleted === 'ignore') return NOTHING
  const client = await names.nameOf(event.uuid)
  if (client === undefined) return { revocations: [], note: { kind: 'nameless_client' } }
  return only({ kind: 'client', client, ...datedBy(event) })
}

/** Without details only a disabled realm is missed: the realm's not-before is also polled. */
function updatedRealm(event: EventOf<'realm_updated'>, { realmDisabled }: KeycloakSettings): Consequence {
  const { enabled, notBefore = 0 } = event.set ?? {}
  return {
    revocations: [
      ...(enabled === false && realmDisabled === 'realm' ? [{ kind: 'realm', ...datedBy(event) } as const] : []),
      ...(notBefore > 0 ? [{ kind: 'realm', occurredAt: notBefore, because: event.because } as const] : []),
    ],
  }
}
