import { PortcullisError } from '../../errors.ts'
import { AccessToken, serviceAccountForm } from '../../origin/connectors/keycloak/client/access-token.ts'
import { AdminClient, serviceAccountClient } from '../../origin/connectors/keycloak/client/admin-client.ts'
import { isFailure } from '../../origin/connectors/keycloak/client/failure.ts'
import { KeycloakHttp } from '../../origin/connectors/keycloak/client/keycloak-http.ts'
import type { ServiceAccount } from '../../origin/connectors/keycloak/options.ts'
import { RealmClient } from '../../origin/connectors/keycloak/client/realm-client.ts'
import { ServerClock } from '../../origin/connectors/keycloak/client/server-clock.ts'
import { readPart } from '../../token-part.ts'
import { objectOf, textsOf } from './json.ts'

/** The environment variable with an administrator's password. */
export const ADMIN_PASSWORD = 'PORTCULLIS_ADMIN_PASSWORD'

/**
 * A request to the admin API of a realm: path segments below it, and the role of `realm-management` that it requires.
 */
export interface AdminCall {
  readonly path: readonly string[]
  readonly right: string
  readonly query?: readonly (readonly [string, string])[]
}

/**
 * The admin API of one realm, for a person at a terminal: every unsuccessful response is an error. Methods reject with
 * `connector_failed`.
 */
export class AdminApi {
  readonly #client: AdminClient

  constructor(client: AdminClient) {
    this.#client = client
  }

  /** Returns the response's JSON; `undefined` for 404. */
  async find({ path, ...request }: AdminCall): Promise<unknown> {
    const { status, body } = await this.#client.get(path, request)
    return status === 404 ? undefined : succeeded(status, path, body)
  }

  async get({ path, ...request }: AdminCall): Promise<unknown> {
    const { status, body } = await this.#client.get(path, request)
    return succeeded(status, path, body)
  }

  async send(method: 'post' | 'put' | 'delete', { path, ...request }: AdminCall, content?: unknown): Promise<void> {
    const { status, body } = await (method === 'delete'
      ? this.#client.delete(path, request)
      : this.#client[method](path, content, request))
    succeeded(status, path, body)
  }
}

/** Returns a client of a Keycloak; `http:` only on this machine. Throws `invalid_option`. */
export function keycloakAt(baseUrl: string, plainHttp: 'loopback' | 'anywhere' = 'loopback'): KeycloakHttp {
  return new KeycloakHttp({ baseUrl, fetch, plainHttp, timeoutMs: TIMEOUT_MS })
}

/** Returns the admin API with the password of an administrator of realm `master`. */
export function administratorApi(
  http: KeycloakHttp,
  realm: string,
  { name, password }: { name: string; password: string },
): AdminApi {
  const clock = new ServerClock(Date.now)
  const form = { grant_type: 'password', client_id: 'admin-cli', username: name, password }
  const accessToken = new AccessToken({
    realm: new RealmClient(http, 'master'),
    form,
    holder: `the administrator '${name}'`,
    clock,
    nowMs: Date.now,
  })
  return new AdminApi(new AdminClient({ http, realm, accessToken }))
}

/** Returns the client of a service account. */
export function readerClient(http: KeycloakHttp, realm: string, account: ServiceAccount): AdminClient {
  return serviceAccountClient({ http, realm, account, clock: new ServerClock(Date.now), nowMs: Date.now })
}

/**
 * Returns the roles of `realm-management` that a service account has, according to its own token. Rejects with
 * `connector_failed`.
 */
export async function rightsOf(http: KeycloakHttp, realm: string, account: ServiceAccount): Promise<string[]> {
  const holder = `the service account '${account.clientId}'`
  const token = new AccessToken({
    realm: new RealmClient(http, realm),
    form: serviceAccountForm(account),
    holder,
    clock: new ServerClock(Date.now),
    nowMs: Date.now,
  })
  const claims = objectOf(readPart((await token.get()).split('.')[1] ?? ''))
  return textsOf(objectOf(objectOf(claims['resource_access'])['realm-management'])['roles'])
}

/** Returns an explanation for a person whose password was rejected; other errors are returned unchanged. */
export function passwordRefused(cause: unknown): unknown {
  if (!isFailure(cause, 'wrong_credentials')) return cause
  return new PortcullisError(
    'connector_failed',
    'Keycloak refused the administrator: check the name and the password; if a second factor is required, create an administrator without one for this',
    { cause, detail: 'wrong_credentials' },
  )
}

/** Longer than for a connector: a person can wait, and a realm may have many clients. */
const TIMEOUT_MS = 30_000

function succeeded(status: number, path: readonly string[], body: unknown): unknown {
  if (status >= 200 && status < 300) return body
  throw new PortcullisError('connector_failed', `Keycloak responded with ${status} to ${path.join('/')}`, {
    detail: 'server_error',
  })
}
