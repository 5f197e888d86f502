import { PortcullisError } from '../../../../errors.ts'
import type { AdminClient } from '../client/admin-client.ts'
import { isFailure } from '../client/failure.ts'
import type { KeycloakSettings } from '../options.ts'
import { VIEW_EVENTS } from './event-page.ts'
import { readAdminEventsSeconds, readEventsConfig } from './events-config.ts'

/** Something that a poller needs but the realm does not store, or the account may not read. */
export interface Finding {
  kind:
    | 'missing_right'
    | 'user_events_off'
    | 'missing_event_type'
    | 'admin_events_off'
    | 'admin_details_off'
    | 'short_retention'
  /** States what is missing, what goes unnoticed because of it, and where to set it. */
  sentence: string
}

export interface CompletenessOptions {
  client: AdminClient
  settings: KeycloakSettings
  /** The longest lifetime of a token: older events no longer matter. */
  lifetimeSeconds: number
}

/**
 * Returns all findings; an empty list means that nothing is missing. Rejects with `connector_failed`, except for a
 * missing right.
 */
export async function findIncomplete(options: CompletenessOptions): Promise<readonly Finding[]> {
  const rights = await Promise.all([
    missingRight(
      options.client,
      ['events', 'config'],
      VIEW_EVENTS,
      'no events are read, and most changes at Keycloak go unnoticed',
    ),
    missingRight(
      options.client,
      ['users'],
      'view-users',
      'a user cannot be looked up if its event does not say whether it is enabled',
    ),
    missingRight(
      options.client,
      ['clients'],
      'view-clients',
      "events of clients name Keycloak's internal id only, and go unnoticed",
    ),
  ])
  const missing = rights.filter((finding) => finding !== undefined)
  return rights[0] === undefined ? [...missing, ...(await findUnstored(options))] : missing
}

/** Combines the findings into one condition of the connector. */
export function incomplete(findings: readonly Finding[]): PortcullisError {
  const detail = [...new Set(findings.map(({ kind }) => kind))].sort().join(' ')
  return new PortcullisError('connector_incomplete', findings.map(({ sentence }) => sentence).join('; '), { detail })
}

const SWITCHES = 'Realm settings > Events'

/** Returns the consequence of not storing each type of user event, for the types that the options require. */
function neededTypes(settings: KeycloakSettings): readonly (readonly [type: string, consequence: string])[] {
  const needed: (readonly [boolean, string, string])[] = [
    [true, 'LOGOUT', 'logouts at Keycloak are detected by logout tokens only'],
    [true, 'REVOKE_GRANT', 'tokens revoked at Keycloak stay valid until they expire'],
    [
      true,
      'REFRESH_TOKEN_ERROR',
      'a stolen refresh token that is used again goes unnoticed; Keycloak stores this type only if it is listed',
    ],
    [settings.userDeleted === 'user', 'DELETE_ACCOUNT', 'users who delete their own account go unnoticed'],
    [settings.clientDeleted === 'client', 'CLIENT_DELETE', 'clients deleted by dynamic registration go unnoticed'],
    [
      settings.permanentLockout === 'user',
      'USER_DISABLED_BY_PERMANENT_LOCKOUT',
      'permanent lockouts of users go unnoticed',
    ],
    [
      settings.temporaryLockout === 'user',
      'USER_DISABLED_BY_TEMPORARY_LOCKOUT',
      'temporary lockouts of users go unnoticed',
    ],
    [settings.passwordChanged === 'user', 'UPDATE_CREDENTIAL', 'password changes go unnoticed'],
    [settings.impersonation !== 'accept', 'IMPERSONATE', 'impersonations go unnoticed'],
  ]
  return needed.flatMap(([isNeeded, type, consequence]) => (isNeeded ? [[type, consequence] as const] : []))
}

async function findUnstored({ client, settings, lifetimeSeconds }: CompletenessOptions): Promise<readonly Finding[]> {
  const config = await readEventsConfig(client)
  const findings: Finding[] = []
  const find = (kind: Finding['kind'], sentence: string): unknown =>
    findings.push({ kind, sentence: `${sentence} (${SWITCHES})` })
  if (config.userEvents === 'not_stored')
    find(
      'user_events_off',
      'user events are not stored: logouts are detected by logout tokens only; revocations and lockouts go unnoticed',
    )
  else {
    for (const [type, consequence] of neededTypes(settings)) {
      if (!config.userEventTypes.has(type))
        find('missing_event_type', `user events of type ${type} are not stored: ${consequence}`)
    }
    findShort(find, 'user events', config.userEventsSeconds, neededSeconds(settings, lifetimeSeconds))
  }
  if (config.adminEvents === 'not_stored')
    find(
      'admin_events_off',
      "admin events are not stored: administrators' changes go unnoticed, except for logout tokens and the realm's not-before",
    )
  else {
    if (config.adminDetails === 'not_stored')
      find(
        'admin_details_off',
        'admin events are stored without their representation: disabled users, disabled clients and not-befores have to be looked up, or go unnoticed',
      )
    findShort(find, 'admin events', await readAdminEventsSeconds(client), neededSeconds(settings, lifetimeSeconds))
  }
  return findings
}

function neededSeconds({ rereadSeconds }: KeycloakSettings, lifetimeSeconds: number): number {
  return Math.max(rereadSeconds, lifetimeSeconds)
}

function findShort(
  find: (kind: 'short_retention', sentence: string) => unknown,
  events: string,
  kept: number | undefined,
  needed: number,
): void {
  if (kept === undefined || kept >= needed) return
  find(
    'short_retention',
    `${events} are kept for ${kept} s: an origin that was down for longer misses what happened to tokens that live up to ${needed} s`,
  )
}

async function missingRight(
  client: AdminClient,
  path: readonly string[],
  right: string,
  consequence: string,
): Promise<Finding | undefined> {
  try {
    await client.get(path, { right, query: [['max', '1']] })
    return undefined
  } catch (error) {
    if (!isFailure(error, 'missing_right') || !(error instanceof PortcullisError)) throw error
    return { kind: 'missing_right', sentence: `${error.message}; without it ${consequence}` }
  }
}
