import { isObject } from '../../../../options.ts'
import { failure } from './failure.ts'
import type { KeycloakAnswer, KeycloakHttp } from './keycloak-http.ts'

/** The public documents of one realm, below `/realms/{realm}`. Methods reject with `connector_failed`. */
export class RealmClient {
  readonly #http: KeycloakHttp
  readonly #realm: string

  constructor(http: KeycloakHttp, realm: string) {
    this.#http = http
    this.#realm = realm
  }

  /** The realm's not-before in unix seconds, as Keycloak states it; 0: none. */
  async notBefore(): Promise<number> {
    const body = await this.#document([])
    const notBefore = isObject(body) && body['realm'] === this.#realm ? body['tokens-not-before'] : undefined
    if (typeof notBefore === 'number' && Number.isSafeInteger(notBefore) && notBefore >= 0) return notBefore
    throw this.unlike('the document of the realm')
  }

  /** The issuer of the realm's tokens, from its discovery document (OpenID Connect Discovery 1.0 §3). */
  async issuer(): Promise<string> {
    const body = await this.#document(['.well-known', 'openid-configuration'])
    if (isObject(body) && typeof body['issuer'] === 'string') return body['issuer']
    throw this.unlike('the discovery document of the realm')
  }

  /**
   * Sends a form with the credentials in `headers` or in the form itself, such as those of a caller. Resolves with any
   * status below 500.
   */
  async postForm(
    path: readonly string[],
    form: URLSearchParams,
    headers: Record<string, string> = {},
  ): Promise<KeycloakAnswer> {
    return this.#http.send({
      method: 'POST',
      path: ['realms', this.#realm, ...path],
      headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    })
  }

  /** Returns the error for a realm that Keycloak does not have. */
  unknown(): Error {
    return failure(
      'unknown_realm',
      `${this.#http.host} has no realm '${this.#realm}' at this address: check baseUrl and realm, or whether the realm was renamed`,
    )
  }

  /** Returns the error for a response that is not the expected document. */
  unlike(document: string): Error {
    return failure(
      'not_json',
      `${this.#http.host} sent something other than ${document}: check baseUrl, and any proxy in front of Keycloak`,
    )
  }

  async #document(path: readonly string[]): Promise<unknown> {
    const { status, body } = await this.#http.send({ method: 'GET', path: ['realms', this.#realm, ...path] })
    if (status === 404) throw this.unknown()
    return status === 200 ? body : undefined
  }
}
