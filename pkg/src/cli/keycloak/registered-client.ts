import { type JsonObject, objectOf, objectsOf, textOf, textsOf } from './json.ts'

/** A client of a realm, as far as setup and checks use it. */
export interface RegisteredClient {
  /** The internal UUID, which identifies it in paths. */
  readonly id: string
  readonly clientId: string
  readonly enabled: boolean
  /** Whether Keycloak itself created it, for its consoles and its own API. */
  readonly builtIn: boolean
  /** Whether users log in to it, so that its tokens belong to sessions. */
  readonly hasSessions: boolean
  /** '' if not set. */
  readonly adminUrl: string
  /** '' if not set. */
  readonly backchannelLogoutUrl: string
  /** 'true', or any other value for a logout token without `sid`; '' if not set. */
  readonly sessionRequired: string
  /** Whether its access tokens have few claims (`client.use.lightweight.access.token.enabled`). */
  readonly lightweight: boolean
  /** Its own lifespan of access tokens, in seconds; `undefined`: the realm's applies. */
  readonly accessTokenLifespan: number | undefined
  /** Its own mappers. */
  readonly mappers: readonly Mapper[]
  /** The names of the client scopes that all its tokens get. */
  readonly scopes: readonly string[]
  readonly redirectUris: readonly string[]
}

/** A protocol mapper, which adds a claim to tokens. */
export interface Mapper {
  readonly name: string
  readonly protocolMapper: string
  readonly config: Readonly<Record<string, string>>
}

/** The attribute for the URL of OIDC Back-Channel Logout 1.0 §2.2. */
export const LOGOUT_URL = 'backchannel.logout.url'
/** The attribute that makes logout tokens include `sid`. */
export const SESSION_REQUIRED = 'backchannel.logout.session.required'
const LIGHTWEIGHT = 'client.use.lightweight.access.token.enabled'
const LIFESPAN = 'access.token.lifespan'
const BUILT_IN = ['account', 'account-console', 'admin-cli', 'broker', 'realm-management', 'security-admin-console']

/** Returns the OpenID Connect clients in a response of `GET /admin/realms/{realm}/clients`, by name. */
export function registeredClients(answer: unknown): RegisteredClient[] {
  const clients = objectsOf(answer).filter(
    (each) => textOf(each['protocol']) !== 'saml' && textOf(each['clientId']) !== '',
  )
  return clients.map(registeredClient).sort((a, b) => (a.clientId < b.clientId ? -1 : 1))
}

/** Returns whether its tokens have an audience, by its own mappers or those of its scopes. */
export function hasAudience(
  client: RegisteredClient,
  scopes: ReadonlyMap<string, readonly Mapper[]>,
  audiences: readonly string[],
): boolean {
  const mappers = [...client.mappers, ...client.scopes.flatMap((name) => scopes.get(name) ?? [])]
  return mappers.some(
    ({ protocolMapper, config }) =>
      protocolMapper === 'oidc-audience-mapper' &&
      config['access.token.claim'] === 'true' &&
      (!client.lightweight || config['lightweight.claim'] === 'true') &&
      audiences.some(
        (each) => each === config['included.custom.audience'] || each === config['included.client.audience'],
      ),
  )
}

/**
 * Returns whether its access tokens have `sub`: the scope `basic` has the mapper for it, which must be enabled for
 * lightweight tokens.
 */
export function hasSubject(client: RegisteredClient, scopes: ReadonlyMap<string, readonly Mapper[]>): boolean {
  const mappers = [...client.mappers, ...client.scopes.flatMap((name) => scopes.get(name) ?? [])]
  return mappers.some(
    ({ protocolMapper, config }) =>
      protocolMapper === 'oidc-sub-mapper' && (!client.lightweight || config['lightweight.claim'] === 'true'),
  )
}

/** Returns the mappers of each client scope in a response of `GET /admin/realms/{realm}/client-scopes`. */
export function scopeMappers(answer: unknown): Map<string, Mapper[]> {
  const scopes = objectsOf(answer).map((scope) => [textOf(scope['name']), mappersOf(scope['protocolMappers'])] as const)
  return new Map(scopes.sort(([a], [b]) => (a < b ? -1 : 1)))
}

function registeredClient(client: JsonObject): RegisteredClient {
  const attributes = objectOf(client['attributes'])
  const clientId = textOf(client['clientId'])
  const isOn = (name: string): boolean => client[name] === true
  const lifespan = Number(textOf(attributes[LIFESPAN]))
  return {
    id: textOf(client['id']),
    clientId,
    enabled: isOn('enabled'),
    builtIn: BUILT_IN.includes(clientId),
    hasSessions:
      !isOn('bearerOnly') &&
      (isOn('standardFlowEnabled') ||
        isOn('implicitFlowEnabled') ||
        isOn('directAccessGrantsEnabled') ||
        attributes['oauth2.device.authorization.grant.enabled'] === 'true' ||
        attributes['oidc.ciba.grant.enabled'] === 'true'),
    adminUrl: textOf(client['adminUrl']),
    backchannelLogoutUrl: textOf(attributes[LOGOUT_URL]),
    sessionRequired: textOf(attributes[SESSION_REQUIRED]),
    lightweight: attributes[LIGHTWEIGHT] === 'true',
    accessTokenLifespan: lifespan > 0 ? lifespan : undefined,
    mappers: mappersOf(client['protocolMappers']),
    scopes: textsOf(client['defaultClientScopes']),
    redirectUris: textsOf(client['redirectUris']),
  }
}

function mappersOf(value: unknown): Mapper[] {
  return objectsOf(value)
    .map((each) => ({
      name: textOf(each['name']),
      protocolMapper: textOf(each['protocolMapper']),
      config: textMembers(each['config']),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

function textMembers(value: unknown): Record<string, string> {
  const members = Object.entries(objectOf(value)).filter(
    (each): each is [string, string] => typeof each[1] === 'string',
  )
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)))
}
