import { isObject } from '../../../../options.ts'
import { readPart } from '../../../../token-part.ts'
import type { ServiceAccount } from '../options.ts'
import { failure } from './failure.ts'
import type { KeycloakAnswer } from './keycloak-http.ts'
import type { RealmClient } from './realm-client.ts'
import type { ServerClock } from './server-clock.ts'

export interface AccessTokenOptions {
  /** The realm that issues it. */
  realm: RealmClient
  /** The token request, without the scope. Secret. */
  form: Readonly<Record<string, string>>
  /** The holder as errors name it, such as `the service account 'bridge'`. */
  holder: string
  /** Learns from each token's `iat`. */
  clock: ServerClock
  nowMs: () => number
}

/** The part of its lifetime after which a token is renewed: what is left is more than any request takes. */
const RENEWED_AFTER = 0.75
/** Where the answer does not say how long it is valid: Keycloak's shortest preset. */
const DEFAULT_LIFETIME_SECONDS = 60
const MAX_LIFETIME_SECONDS = 86_400

/**
 * An access token for the admin API: asked for when it is needed, shared by all requests, renewed before it expires.
 */
export class AccessToken {
  readonly #options: AccessTokenOptions
  #current: { token: string; renewAtMs: number } | undefined
  #renewing: Promise<string> | undefined

  constructor(options: AccessTokenOptions) {
    this.#options = options
  }

  /** The holder as errors name it. */
  get holder(): string {
    return this.#options.holder
  }

  /**
   * A token other than `refused`, which Keycloak no longer takes. Rejects with `connector_failed`: `wrong_credentials`,
   * `unknown_realm`, or as `KeycloakHttp.send`.
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

/** Unix seconds. The token came straight from its issuer, so its signature proves nothing more. */
function issuedAtOf(token: string): number | undefined {
  try {
    const claims = readPart(token.split('.')[1] ?? '')
    return isObject(claims) && Number.isSafeInteger(claims['iat']) ? (claims['iat'] as number) : undefined
  } catch {
    return undefined
  }
}

/** Whether a header field may carry it (RFC 6750 §2.1). */
function isHeaderText(token: string): boolean {
  return /^[\w.~+/-]+=*$/.test(token)
}
