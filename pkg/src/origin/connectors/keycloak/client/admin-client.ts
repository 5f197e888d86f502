import { isObject } from '../../../../options.ts'
import type { ServiceAccount } from '../options.ts'
import { AccessToken, serviceAccountForm } from './access-token.ts'
import { failure } from './failure.ts'
import type { KeycloakAnswer, KeycloakHttp, KeycloakRequest } from './keycloak-http.ts'
import { RealmClient } from './realm-client.ts'
import type { ServerClock } from './server-clock.ts'

interface AdminClientOptions {
  http: KeycloakHttp
  /** Keycloak's name of the administered realm. */
  realm: string
  accessToken: AccessToken
}

export interface AdminRequest extends Pick<KeycloakRequest, 'query' | 'maxBytes'> {
  /** The role of `realm-management` that Keycloak requires; errors name it if it is missing. */
  right: string
}

/** A response of the admin API, with any status below 500 except 401 and 403. */
export type AdminAnswer = KeycloakAnswer

/**
 * The admin API of one realm, below `/admin/realms/{realm}/`. Paths are lists of segments. All methods reject with
 * `connector_failed`. The caller judges other responses, such as 404 for a user or session that no longer exists.
 */
export class AdminClient {
  readonly #options: AdminClientOptions

  constructor(options: AdminClientOptions) {
    this.#options = options
  }

  get(path: readonly string[], request: AdminRequest): Promise<AdminAnswer> {
    return this.#send({ ...request, method: 'GET', path })
  }

  post(path: readonly string[], body: unknown, request: AdminRequest): Promise<AdminAnswer> {
    return this.#send({ ...request, ...jsonOf(body), method: 'POST', path })
  }

  put(path: readonly string[], body: unknown, request: AdminRequest): Promise<AdminAnswer> {
    return this.#send({ ...request, ...jsonOf(body), method: 'PUT', path })
  }

  delete(path: readonly string[], request: AdminRequest): Promise<AdminAnswer> {
    return this.#send({ ...request, method: 'DELETE', path })
  }

  /** Renews a refused token once: a restart, a rotated key or a revoked session can end one early. */
  async #send(request: KeycloakRequest & AdminRequest): Promise<AdminAnswer> {
    const { accessToken } = this.#options
    const token = await accessToken.get()
    const first = await this.#sendWith(token, request)
    const answer = first.status === 401 ? await this.#sendWith(await accessToken.get(token), request) : first
    this.#check(answer, request.right)
    return answer
  }

  #sendWith(
    token: string,
    { right: _, path, headers, ...request }: KeycloakRequest & AdminRequest,
  ): Promise<AdminAnswer> {
    const { http, realm } = this.#options
    const authorized = { ...headers, authorization: `Bearer ${token}` }
    return http.send({ ...request, path: ['admin', 'realms', realm, ...path], headers: authorized })
  }

  #check({ status, body }: KeycloakAnswer, right: string): void {
    const { http, realm, accessToken } = this.#options
    if (status === 401) {
      throw failure(
        'wrong_credentials',
        `Keycloak refused the token that it had just given ${accessToken.holder}: check whether its user is enabled, and whether baseUrl is the address that Keycloak uses for itself`,
      )
    }
    if (status === 403)
      throw failure(
        'missing_right',
        `${accessToken.holder} lacks the role '${right}' of the client realm-management: assign it in realm '${realm}'`,
      )
    if (status === 404 && isObject(body) && body['error'] === 'Realm not found.')
      throw new RealmClient(http, realm).unknown()
  }
}

/** Returns a client that uses a service account of the realm itself, never of `master`. */
export function serviceAccountClient(
  options: Omit<AdminClientOptions, 'accessToken'> & {
    account: ServiceAccount
    clock: ServerClock
    nowMs: () => number
  },
): AdminClient {
  const { http, account, clock, nowMs } = options
  const realm = new RealmClient(http, options.realm)
  const holder = `the service account of the client '${account.clientId}'`
  return new AdminClient({
    ...options,
    accessToken: new AccessToken({ realm, form: serviceAccountForm(account), holder, clock, nowMs }),
  })
}

function jsonOf(body: unknown): Pick<KeycloakRequest, 'headers' | 'body'> {
  return body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
