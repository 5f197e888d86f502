import { isObject } from '../../../../options.ts'
import { readPart } from '../../../../token-part.ts'
import type { ServiceAccount } from '../options.ts'
import { failure } from './failure.ts'
import type { KeycloakAnswer } from './keycloak-http.ts'
import type { RealmClient } from './realm-client.ts'
import type { ServerClock } from './server-clock.ts'

interface AccessTokenOptions {
  /** The realm that issues the token. */
  realm: RealmClient
  /** The token request without the scope. Secret. */
  form: Readonly<Record<string, string>>
  /** The name of the holder in errors, such as `the service account 'bridge'`. */
  holder: string
  /** Learns from the `iat` of each token. */
  clock: ServerClock
  nowMs: () => number
}

/** The fraction of its lifetime after which a token is renewed; the rest exceeds the duration of any request. */
const RENEWED_AFTER = 0.75
/** The lifetime to assume if the response does not state it: Keycloak's shortest default. */
const DEFAULT_LIFETIME_SECONDS = 60
const MAX_LIFETIME_SECONDS = 86_400

/** An access token for the admin API: requested on demand, shared by all requests, renewed before it expires. */
export class AccessToken {
  readonly #options: AccessTokenOptions
  #current: { token: string; renewAtMs: number } | undefined
  #renewing: Promise<string> | undefined

  constructor(options: AccessTokenOptions) {
    this.#options = options
  }

  /** The name of the holder in errors. */
  get holder(): string {
    return this.#options.holder
  }

  /**
   * Returns a token other than `refused`, which Keycloak no longer accepts. Rejects with `connector_failed`:
   * `wrong_credentials`, `unknown_realm`, or as `KeycloakHttp.send`.
   */
  get(refused?: string): Promise<string> {
    const current = this.#current
    if (current !== undefined && current.token !== refused && this.#options.nowMs() < current.renewAtMs)
      return Promise.resolve(current.token)
    this.#renewing ??= this.#renew().finally(() => (this.#renewing = undefined))
    return this.#renewing
  }

  async #renew(): Promise<string> {
    const { realm, form, clock, nowMs } = this.#options
    const sentAtMs = nowMs()
    const { token, lifetimeSeconds } = this.#read(
      await realm.postForm(['protocol', 'openid-connect', 'token'], new URLSearchParams(form)),
    )
    const issuedAt = issuedAtOf(token)
    if (issuedAt !== undefined) clock.learn(issuedAt, sentAtMs)
    this.#current = { token, renewAtMs: sentAtMs + lifetimeSeconds * 1000 * RENEWED_AFTER }
    return token
  }

  #read({ status, body }: KeycloakAnswer): { token: string; lifetimeSeconds: number } {
    const { realm, holder } = this.#options
    if (status === 404) throw realm.unknown()
    if (status !== 200) {
      throw failure(
        'wrong_credentials',
        `Keycloak refused ${holder} (status ${status}): check its id and secret, and that it is enabled, confidential, and has a service account`,
      )
    }
    if (!isObject(body) || typeof body['access_token'] !== 'string' || !isHeaderText(body['access_token'])) {
      throw realm.unlike('a token')
    }
    const { access_token: token, expires_in: lifetime } = body
    const lifetimeSeconds =
      typeof lifetime === 'number' && lifetime > 0 ? Math.min(lifetime, MAX_LIFETIME_SECONDS) : DEFAULT_LIFETIME_SECONDS
    return { token, lifetimeSeconds }
  }
}

/** The token request of a service account (RFC 6749 §4.4). */
export function serviceAccountForm({ clientId, clientSecret }: ServiceAccount): Readonly<Record<string, string>> {
  return { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }
}

/**
 * Reads `iat` in unix seconds. The token came straight from its issuer, so checking its signature would prove nothing
 * more.
 */
function issuedAtOf(token: string): number | undefined {
  try {
    const claims = readPart(token.split('.')[1] ?? '')
    return isObject(claims) && Number.isSafeInteger(claims['iat']) ? (claims['iat'] as number) : undefined
  } catch {
    return undefined
  }
}

/** Whether a header field can carry the token (RFC 6750 §2.1). */
function isHeaderText(token: string): boolean {
  return /^[\w.~+/-]+=*$/.test(token)
}
