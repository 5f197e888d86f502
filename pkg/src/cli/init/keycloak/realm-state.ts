import { numberOf, objectOf, textOf, textsOf } from '../../keycloak/json.ts'
import { LOGOUT_URL, type Mapper, type RegisteredClient, SESSION_REQUIRED } from '../../keycloak/registered-client.ts'
import type { Change, ClientSetting, RealmSetting, RealmValue } from './change.ts'

/**
 * Everything in a realm on which a plan of changes depends. Plain JSON in a fixed order, so that equal states have
 * equal digests.
 */
export interface RealmState {
  readonly settings: Readonly<Record<RealmSetting, RealmValue>>
  /** The user events stored now; if the realm lists none, Keycloak's default ones. */
  readonly storedEventTypes: readonly string[]
  readonly clients: readonly RegisteredClient[]
  readonly scopes: readonly (readonly [name: string, mappers: readonly Mapper[]])[]
  /** The service accounts of Portcullis that exist, each with its rights. */
  readonly accounts: Readonly<Record<string, ServiceAccount>>
}

export interface ServiceAccount {
  /** The client's internal UUID. */
  readonly id: string
  /** False: a client with that name exists, but is something else. */
  readonly isServiceAccount: boolean
  /** Its roles of `realm-management`. */
  readonly rights: readonly string[]
}

/** Returns the settings in a response of `GET /admin/realms/{realm}`. */
export function realmSettings(answer: unknown): RealmState['settings'] {
  const realm = objectOf(answer)
  const expiration = Number(textOf(objectOf(realm['attributes'])['adminEventsExpiration']))
  return {
    eventsEnabled: realm['eventsEnabled'] === true,
    enabledEventTypes: textsOf(realm['enabledEventTypes']).sort(),
    eventsExpiration: numberOf(realm['eventsExpiration']) ?? null,
    adminEventsEnabled: realm['adminEventsEnabled'] === true,
    adminEventsDetailsEnabled: realm['adminEventsDetailsEnabled'] === true,
    adminEventsExpiration: expiration > 0 ? expiration : null,
  }
}

/** Returns whether a state has the value before or after a change. */
export function holds(state: RealmState, change: Change, value: 'before' | 'after'): boolean {
  return JSON.stringify(currentOf(state, change)) === JSON.stringify(change[value])
}

function currentOf(state: RealmState, change: Change): unknown {
  const client = 'client' in change ? state.clients.find(({ clientId }) => clientId === change.client) : undefined
  switch (change.kind) {
    case 'realm':
      return state.settings[change.setting]
    case 'client':
      return settingOf(client, change.setting)
    case 'mapper':
      return client?.mappers.find(({ name }) => name === change.name) ?? null
    case 'account':
      return state.accounts[change.client]?.id ?? null
    case 'right':
      return state.accounts[change.client]?.rights.includes(change.right) ?? false
  }
}

function settingOf(client: RegisteredClient | undefined, setting: ClientSetting): string | undefined {
  switch (setting) {
    case 'adminUrl':
      return client?.adminUrl
    case LOGOUT_URL:
      return client?.backchannelLogoutUrl
    case SESSION_REQUIRED:
      return client?.sessionRequired
  }
}
