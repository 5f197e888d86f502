import { failure } from './failure.ts'
import type { RealmClient } from './realm-client.ts'

interface IssuerCheckOptions {
  realm: RealmClient
  /** The issuer's names, one of which the server must report. */
  issuers: readonly string[]
  nowMs: () => number
}

/** How long a result stays valid: a realm's address seldom changes, and then the issuer refuses its old tokens. */
const VALID_MS = 60_000

/**
 * Checks that the polled realm is the issuer of the origin's realm: events of another realm must not end sessions here.
 */
export class IssuerCheck {
  readonly #options: IssuerCheckOptions
  #passedAtMs = -Infinity
  #running: Promise<void> | undefined

  constructor(options: IssuerCheckOptions) {
    this.#options = options
  }

  /** Rejects with `connector_failed`: `wrong_issuer`, or as `RealmClient.issuer`. */
  confirm(): Promise<void> {
    if (Math.abs(this.#options.nowMs() - this.#passedAtMs) < VALID_MS) return Promise.resolve()
    this.#running ??= this.#check().finally(() => (this.#running = undefined))
    return this.#running
  }

  async #check(): Promise<void> {
    const { realm, issuers, nowMs } = this.#options
    if (!issuers.includes(await realm.issuer())) {
      throw failure(
        'wrong_issuer',
        `the discovery document at baseUrl names another issuer than ${issuers.join(' or ')}: check baseUrl and realm, and Keycloak's hostname setting`,
      )
    }
    this.#passedAtMs = nowMs()
  }
}
