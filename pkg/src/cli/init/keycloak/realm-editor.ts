import type { AdminApi, AdminCall } from '../../keycloak/admin-api.ts'
import { type JsonObject, objectOf, objectsOf, textOf, textsOf } from '../../keycloak/json.ts'
import { readClients, readScopes } from '../../keycloak/registered-clients.ts'
import type { Change, RealmSetting, RealmValue } from './change.ts'
import { ACTOR, READER } from './plan.ts'
import { type RealmState, realmSettings, type ServiceAccount } from './realm-state.ts'

/** The client whose roles are the rights over its realm. */
const RIGHTS_CLIENT = 'realm-management'

/** Reads a realm as a whole, and changes it one setting at a time. Methods reject with `connector_failed`. */
export class RealmEditor {
  readonly #api: AdminApi

  constructor(api: AdminApi) {
    this.#api = api
  }

  async read(): Promise<RealmState> {
    const settings = realmSettings(await this.#api.get(REALM))
    const stored = objectOf(await this.#api.get(read('events', 'config')))
    const clients = await readClients(this.#api)
    const scopes = await readScopes(this.#api)
    const accounts: Record<string, ServiceAccount> = {}
    for (const name of [READER, ACTOR]) {
      const account = await this.#account(name)
      if (account !== undefined) accounts[name] = account
    }
    return {
      settings,
      storedEventTypes: textsOf(stored['enabledEventTypes']).sort(),
      clients,
      scopes: [...scopes],
      accounts,
    }
  }

  async apply(change: Change): Promise<void> {
    switch (change.kind) {
      case 'realm':
        return this.#set(change.setting, change.after)
      case 'client':
        // Keycloak merges: members and attributes that are not sent are kept.
        return this.#api.send(
          'put',
          ofClient(change.id),
          change.setting === 'adminUrl'
            ? { adminUrl: change.after }
            : { attributes: { [change.setting]: change.after } },
        )
      case 'mapper':
        if (change.after !== null)
          return this.#api.send('post', ofClient(change.id, ...MAPPERS), {
            ...change.after,
            protocol: 'openid-connect',
          })
        return this.#api.send('delete', ofClient(change.id, ...MAPPERS, await this.#mapperId(change.id, change.name)))
      case 'account':
        if (change.after === null) return this.#api.send('delete', ofClient(change.before ?? ''))
        return this.#api.send('post', CLIENTS, serviceAccount(change.after, change.client))
      case 'right':
        return this.#grant(change.client, change.right, change.after)
    }
  }

  /** Returns the secret of a service account. */
  async secretOf(client: string): Promise<string> {
    const id = (await this.#account(client))?.id ?? ''
    return textOf(objectOf(await this.#api.get(ofClient(id, 'client-secret')))['value'])
  }

  async #account(name: string): Promise<ServiceAccount | undefined> {
    const client = await this.#clientNamed(name)
    if (client === undefined) return undefined
    const id = textOf(client['id'])
    if (client['serviceAccountsEnabled'] !== true) return { id, isServiceAccount: false, rights: [] }
    const rights = objectsOf(await this.#api.get(await this.#rightsOf(id)))
    return { id, isServiceAccount: true, rights: rights.map((role) => textOf(role['name'])).sort() }
  }

  async #clientNamed(name: string): Promise<JsonObject | undefined> {
    return objectsOf(await this.#api.get({ ...CLIENTS, query: [['clientId', name]] })).find(
      (each) => each['clientId'] === name,
    )
  }

  /** Returns the path at which the rights of a service account are listed, assigned and removed. */
  async #rightsOf(id: string): Promise<AdminCall> {
    const user = textOf(objectOf(await this.#api.get(ofClient(id, 'service-account-user')))['id'])
    return { path: ['users', user, 'role-mappings', 'clients', await this.#rightsClient()], right: 'manage-users' }
  }

  async #rightsClient(): Promise<string> {
    return textOf((await this.#clientNamed(RIGHTS_CLIENT))?.['id'])
  }

  async #grant(name: string, right: string, isGiven: boolean): Promise<void> {
    const id = textOf((await this.#clientNamed(name))?.['id'])
    const role = await this.#api.get(ofClient(await this.#rightsClient(), 'roles', right))
    await this.#api.send(isGiven ? 'post' : 'delete', await this.#rightsOf(id), [role])
  }

  async #mapperId(client: string, name: string): Promise<string> {
    const mappers = objectsOf(await this.#api.get(ofClient(client, ...MAPPERS)))
    return textOf(mappers.find((each) => each['name'] === name)?.['id'])
  }

  /**
   * Sets a setting. Members missing from a realm's update are kept, except attributes: those must be sent completely.
   */
  async #set(setting: RealmSetting, value: RealmValue): Promise<void> {
    if (setting !== 'adminEventsExpiration') return this.#api.send('put', REALM, { [setting]: value })
    const attributes = objectOf(objectOf(await this.#api.get(REALM))['attributes'])
    return this.#api.send('put', REALM, { attributes: { ...attributes, [setting]: String(value) } })
  }
}

const REALM: AdminCall = { path: [], right: 'manage-realm' }
const CLIENTS: AdminCall = { path: ['clients'], right: 'manage-clients' }
const MAPPERS = ['protocol-mappers', 'models']

function read(...path: string[]): AdminCall {
  return { path, right: 'view-realm' }
}

function ofClient(id: string, ...path: string[]): AdminCall {
  return { path: ['clients', id, ...path], right: 'manage-clients' }
}

/** Returns the representation of a client to which users cannot log in. */
function serviceAccount(id: string, clientId: string): JsonObject {
  return {
    id,
    clientId,
    name: clientId,
    description: 'The connector of Portcullis; created by portcullis init.',
    protocol: 'openid-connect',
    publicClient: false,
    serviceAccountsEnabled: true,
    standardFlowEnabled: false,
    implicitFlowEnabled: false,
    directAccessGrantsEnabled: false,
    redirectUris: [],
    webOrigins: [],
  }
}
