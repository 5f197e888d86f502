import { isObject } from '../../../../options.ts'
import type { ConnectorHost } from '../../connector.ts'
import type {
  ClientRequest,
  EndedClientSession,
  EndpointAnswer,
  RevocationEndpoint,
} from '../../revocation-endpoint.ts'
import { failure } from '../client/failure.ts'
import type { KeycloakAnswer } from '../client/keycloak-http.ts'
import type { RealmClient } from '../client/realm-client.ts'
import type { ServerClock } from '../client/server-clock.ts'

interface RevocationEndpointOptions {
  host: Pick<ConnectorHost, 'tokens' | 'nowMs'>
  realm: RealmClient
  clock: ServerClock
}

/** The maximum number of requests in progress: they need no credentials that are known here. */
const MAX_UNDER_WAY = 100

/** Keycloak's revocation endpoint, called with the credentials of the client that called the origin. */
export class KeycloakRevocationEndpoint implements RevocationEndpoint {
  readonly #options: RevocationEndpointOptions
  #underWay = 0

  constructor(options: RevocationEndpointOptions) {
    this.#options = options
  }

  async revoke(request: ClientRequest): Promise<EndpointAnswer> {
    if (this.#underWay >= MAX_UNDER_WAY)
      throw failure('timeout', 'too many revocation requests are waiting for Keycloak: try again later')
    this.#underWay += 1
    try {
      return this.#read(await this.#send(request), request.form.get('token') ?? '')
    } finally {
      this.#underWay -= 1
    }
  }

  #send({ form, authorization }: ClientRequest): Promise<KeycloakAnswer> {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
    return this.#options.realm.postForm(
      ['protocol', 'openid-connect', 'revoke'],
      new URLSearchParams([...form]),
      headers,
    )
  }

  #read({ status, body }: KeycloakAnswer, token: string): EndpointAnswer {
    const error = isObject(body) ? body['error'] : undefined
    if (status === 200 && body === undefined) return { kind: 'revoked', ...this.#endedWith(token) }
    if (status === 200 && error === 'invalid_token') return { kind: 'unknown_token' }
    if (status === 401) return { kind: 'refused', error: 'invalid_client' }
    if (status === 400)
      return { kind: 'refused', error: error === 'unsupported_token_type' ? error : 'invalid_request' }
    throw status === 404 ? this.#options.realm.unknown() : this.#options.realm.unlike('an answer to a revocation')
  }

  /**
   * Returns what ended with a token that Keycloak has just accepted and revoked: for a refresh token, its client's part
   * of the session. This is read from the token itself, which Keycloak signed with a secret of its own.
   */
  #endedWith(token: string): { clientSession?: EndedClientSession } {
    const { typ, sid: session, azp: client, iat } = this.#claimsOf(token)
    if ((typ !== 'Refresh' && typ !== 'Offline') || typeof session !== 'string' || typeof client !== 'string') return {}
    const { clock, host } = this.#options
    // Our own time, unless Keycloak's is known to differ: an estimate ahead of our clock would be reported as a clock
    // difference.
    const revokedAt = Math.floor(Math.max(clock.earliestMs(), Math.min(clock.latestMs(), host.nowMs())) / 1000)
    return { clientSession: { session, client, occurredAt: Math.max(revokedAt, typeof iat === 'number' ? iat : 0) } }
  }

  #claimsOf(token: string): Readonly<Record<string, unknown>> {
    try {
      return this.#options.host.tokens.read(token).claims
    } catch {
      return {}
    }
  }
}
