// A realm created for one run: users, clients whose URLs are the origin's receivers, and service accounts that read and
// act.

import { randomBytes } from 'node:crypto'
import type { Admin } from './admin.ts'
import { CONSENTING, MOBILE, SILENT, SPA, WEB, type Client } from './clients.ts'
import type { Answer } from './http.ts'
import { REDIRECT_URI, type Place } from './login.ts'
import type { Server } from './server.ts'

/** Users, each with the password `<name>-password`. `root` has the role that the origin requires of administrators. */
const USERS = ['alice', 'bob', 'carol', 'dave', 'erin', 'root'] as const

/** Service account that reads events, users and clients. */
export const READER = { clientId: 'reader', clientSecret: 'reader-secret' }
/** Service account that ends sessions and sets not-befores. */
export const ACTOR = { clientId: 'actor', clientSecret: 'actor-secret' }

const ADMIN_ROLE = 'portcullis-admin'

interface RealmOptions {
  /**
   * The URL under which the origin serves the realm: `http://127.0.0.1:8780/realms/{realm}`. The clients' URLs are
   * receivers below it.
   */
  receivers: string
  /** Members of the realm's representation that differ, such as `{ revokeRefreshToken: true }`. */
  settings?: object
}

export class Realm implements Place {
  readonly url: string
  readonly name: string
  readonly issuer: string
  readonly #admin: Admin

  constructor(server: Server, name: string) {
    this.url = server.url
    this.name = name
    this.issuer = `${server.url}/realms/${name}`
    this.#admin = server.admin
  }

  /**
   * Calls the Admin API of this realm, such as `DELETE sessions/{sid}`; the empty path is the realm itself. Throws if
   * it is refused.
   */
  change(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.#admin.change(method, this.#path(path), body)
  }

  /** Calls the Admin API; the response may be a refusal. */
  request(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.#admin.request(method, this.#path(path), body)
  }

  read<T>(path: string): Promise<T> {
    return this.#admin.read<T>(this.#path(path))
  }

  /** Returns Keycloak's id of a user, which is the `sub`. */
  async userId(username: string): Promise<string> {
    const [user] = await this.read<{ id: string }[]>(`users?exact=true&username=${username}`)
    if (user === undefined) throw new Error(`user ${username} does not exist`)
    return user.id
  }

  /** Returns Keycloak's id of a client. */
  async clientUuid(clientId: string): Promise<string> {
    const [client] = await this.read<{ id: string }[]>(`clients?clientId=${clientId}`)
    if (client === undefined) throw new Error(`client ${clientId} does not exist`)
    return client.id
  }

  remove(): Promise<Answer> {
    return this.change('DELETE', '')
  }

  #path(path: string): string {
    return `/admin/realms/${this.name}${path === '' ? '' : `/${path}`}`
  }
}

/** Creates a realm with a new name. */
export async function createRealm(server: Server, options: RealmOptions): Promise<Realm> {
  const name = `acme-${randomBytes(4).toString('hex')}`
  await server.admin.change('POST', '/admin/realms', {
    ...representation(name, options.receivers.replace('{realm}', name)),
    ...options.settings,
  })
  return new Realm(server, name)
}

/**
 * Returns the realm in the form that Keycloak imports. It contains no client scopes: with any, Keycloak would not
 * create its default ones.
 */
function representation(name: string, receivers: string): object {
  return {
    realm: name,
    enabled: true,
    sslRequired: 'none',
    // Cheap hashes, because a run logs in hundreds of times.
    passwordPolicy: 'hashAlgorithm(pbkdf2-sha256) and hashIterations(1)',
    accessTokenLifespan: 300,
    ssoSessionIdleTimeout: 1800,
    ssoSessionMaxLifespan: 36_000,
    eventsEnabled: true,
    eventsExpiration: 86_400,
    enabledEventTypes: EVENT_TYPES,
    adminEventsEnabled: true,
    adminEventsDetailsEnabled: true,
    attributes: { adminEventsExpiration: '86400', 'ssf.transmitterEnabled': 'true' },
    roles: { realm: [{ name: ADMIN_ROLE }] },
    clients: [
      heard(WEB, receivers, 'session'),
      heard(MOBILE, receivers, 'session'),
      heard(SPA, receivers, 'user'),
      clientOf(SILENT),
      { ...heard(CONSENTING, receivers, 'session'), consentRequired: true },
      // Only a client in the tokens' audience may introspect them.
      { ...clientOf({ id: 'api', secret: 'api-secret' }), standardFlowEnabled: false },
      account(READER),
      account(ACTOR),
    ],
    users: [
      ...USERS.map((username) => user(username, name)),
      accountUser(READER.clientId, ['view-events', 'view-users', 'view-clients', 'view-realm']),
      accountUser(ACTOR.clientId, [
        'view-users',
        'view-clients',
        'view-realm',
        'manage-users',
        'manage-realm',
        'manage-clients',
      ]),
    ],
    components: {
      'org.keycloak.userprofile.UserProfileProvider': [
        {
          providerId: 'declarative-user-profile',
          config: { 'kc.user.profile.config': [JSON.stringify(USER_PROFILE)] },
        },
      ],
    },
  }
}

/** Keycloak's default event types lack `REFRESH_TOKEN_ERROR`. */
const EVENT_TYPES = [
  'LOGIN',
  'LOGIN_ERROR',
  'LOGOUT',
  'LOGOUT_ERROR',
  'REVOKE_GRANT',
  'REFRESH_TOKEN_ERROR',
  'UPDATE_PASSWORD',
  'UPDATE_CREDENTIAL',
  'REMOVE_CREDENTIAL',
  'RESET_PASSWORD',
  'DELETE_ACCOUNT',
  'CLIENT_DELETE',
  'IMPERSONATE',
  'USER_DISABLED_BY_PERMANENT_LOCKOUT',
  'USER_DISABLED_BY_TEMPORARY_LOCKOUT',
]

/** Keycloak drops attributes that are not in the profile. */
const USER_PROFILE = {
  attributes: [
    ...['username', 'email', 'firstName', 'lastName'].map((name) => permitted(name, ['admin', 'user'])),
    ...['token_version', 'last_logout_time'].map((name) => permitted(name, ['admin'])),
  ],
}

function permitted(name: string, roles: string[]): object {
  return { name, permissions: { view: roles, edit: roles } }
}

/** Returns a user. Without names, a login fails with 'Account is not fully set up'. */
export function user(username: string, realm: string): object {
  return {
    username,
    enabled: true,
    emailVerified: true,
    email: `${username}@example.test`,
    firstName: username,
    lastName: 'Test',
    credentials: [{ type: 'password', value: `${username}-password`, temporary: false }],
    realmRoles: [`default-roles-${realm}`, ...(username === 'root' ? [ADMIN_ROLE] : [])],
  }
}

/** Returns a client in the form that Keycloak imports. */
export function clientOf({ id, secret }: Client): object {
  return {
    clientId: id,
    enabled: true,
    protocol: 'openid-connect',
    publicClient: secret === undefined,
    ...(secret === undefined ? {} : { secret }),
    standardFlowEnabled: true,
    directAccessGrantsEnabled: true,
    redirectUris: [REDIRECT_URI],
    protocolMappers: MAPPERS,
    attributes: { 'post.logout.redirect.uris': '+' },
  }
}

/**
 * Returns a client whose back-channel and admin URLs are the origin's receivers. Its logout tokens name the session or
 * the user, as `names` says.
 */
function heard(of: Client, receivers: string, names: 'session' | 'user'): object {
  return {
    ...clientOf(of),
    adminUrl: receivers,
    attributes: {
      'post.logout.redirect.uris': '+',
      'backchannel.logout.url': `${receivers}/backchannel-logout`,
      'backchannel.logout.session.required': String(names === 'session'),
      'backchannel.logout.revoke.offline.tokens': 'false',
    },
  }
}

/** Returns a service account. */
function account({ clientId, clientSecret }: typeof READER): object {
  return {
    ...clientOf({ id: clientId, secret: clientSecret }),
    standardFlowEnabled: false,
    directAccessGrantsEnabled: false,
    serviceAccountsEnabled: true,
  }
}

function accountUser(clientId: string, rights: string[]): object {
  return {
    username: `service-account-${clientId}`,
    enabled: true,
    serviceAccountClientId: clientId,
    clientRoles: { 'realm-management': rights },
  }
}

const MAPPERS = [
  mapper('audience api', 'oidc-audience-mapper', { 'included.custom.audience': 'api' }),
  attributeMapper('token_version', 'int'),
  attributeMapper('last_logout_time', 'long'),
]

function attributeMapper(name: string, type: 'int' | 'long'): object {
  return mapper(name, 'oidc-usermodel-attribute-mapper', {
    'user.attribute': name,
    'claim.name': name,
    'jsonType.label': type,
  })
}

function mapper(name: string, kind: string, config: Record<string, string>): object {
  const places = {
    'access.token.claim': 'true',
    'id.token.claim': 'false',
    'introspection.token.claim': 'true',
    'lightweight.claim': 'true',
  }
  return { name, protocol: 'openid-connect', protocolMapper: kind, config: { ...config, ...places } }
}
