/**
 * The reasons why an operation failed; a refused token is a verdict, not an error. Codes are stable, messages are for
 * people. The page www/docs/reference/errors.md gives the usual cause and the fix of each.
 */
export const ERROR_CODES = [
  /** An option is missing, unknown, of the wrong type or out of range; the message names it. */
  'invalid_option',
  /**
   * `authorize` threw, returned neither `true` nor `false`, or did not settle in time; `detail` says which, `cause` has
   * what it threw.
   */
  'authorize_failed',
  /**
   * A gate's `realms` function threw, did not settle in time, or returned no realm of the issuer; `detail` says which.
   */
  'realms_failed',
  /** A gate was handed the request or the arguments of a framework that has an adapter; the message names it. */
  'wrong_request',
  /** The wasm module was used before an entry file loaded it. */
  'not_loaded',
  /**
   * `checkSync` met a signature that this build leaves to a host without synchronous cryptography; the message names
   * the algorithm.
   */
  'host_crypto_needed',
  /** The gate or origin was closed. */
  'closed',
  /** More gates than may be open were needed at once, one for each `env` with other options. */
  'too_many_gates',
  /** Not a JWK set, or one without a usable key. */
  'invalid_jwks',
  /**
   * Some keys of a JWK set are not used; the message names each with its reason, `detail` has the reason where all have
   * the same one.
   */
  'keys_skipped',
  /** A JWK set could not be fetched. */
  'jwks_unreachable',
  /**
   * An issuer's metadata could not be fetched, or names another issuer or a forbidden URL of the keys; `detail` says
   * which.
   */
  'discovery_failed',
  /** A manifest, delta or section was refused; `detail` says why. */
  'feed_refused',
  /** The feed could not be fetched. */
  'feed_unreachable',
  /** The origin states another policy than the gate's; the message names the options that differ. */
  'policy_differs',
  /** The origin does not state its policy, or in another version; `detail` says which. */
  'policy_unknown',
  /** A realm's `revocation` is `unchecked`: its revoked tokens are accepted. */
  'revocation_unchecked',
  /** A body was larger than its bound. */
  'too_large',
  /** A body did not arrive within its time. */
  'timed_out',
  /** A body was cut short, or had been read before. */
  'body_unreadable',
  /** The token given to a revocation is malformed, wrongly signed or of no issuer known here. */
  'invalid_token',
  /** The token given to a revocation is not an access token. */
  'unexpected_token_use',
  /** The realm is not configured here. */
  'unknown_realm',
  /** The event cannot be recorded as given. */
  'invalid_event',
  /** The store is locked by another writer. */
  'store_locked',
  /** The store cannot be written: read-only, full, or failing. */
  'store_unavailable',
  /** The data in the store is damaged. */
  'store_corrupt',
  /** The store was written by a later version of this package. */
  'store_newer',
  /** A change could not be pushed to an edge. */
  'push_failed',
  /**
   * An edge acknowledged a sequence or chain unknown here: a ledger restored from a backup needs `incarnation` raised.
   */
  'acknowledged_ahead',
  /** An edge has acknowledged nothing newer for `silentAfterSeconds`. */
  'edge_silent',
  /** The address is in use or may not be bound. */
  'listen_failed',
  /** The issuer's clock, or the time that came with an event, is too far ahead of the origin's; `detail` says which. */
  'clock_differs',
  /**
   * An identity server could not be reached, refused a request, or sent an unusable answer; `detail` says why, the
   * message what to do.
   */
  'connector_failed',
  /**
   * Events of an identity server are gone that have not been read: the origin was away longer than they are kept there.
   */
  'connector_gap',
  /** An identity server does not store, or the account may not read, what a connector needs; the message lists it. */
  'connector_incomplete',
  /** An administrator of an identity server began a session in a user's name; the audit log says in whose. */
  'impersonated',
  /** An unexpected failure; `cause` has the error, if there is one. */
  'fault',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

export interface ErrorOptionsWithDetail {
  /** A stable word for the particular cause, such as a feed refusal's `gap` or `bad_signature`. */
  detail?: string
  cause?: unknown
}

/** On every error of the package, whichever copy of it made the error: the registry of symbols is common to them. */
const BRAND = Symbol.for('portcullis.error')
type Branded = { [BRAND]?: boolean }

/**
 * The one error class of the package. `instanceof` also recognises errors of another copy, such as the CommonJS one
 * beside the ES module, and one bundled into a dependency.
 */
export class PortcullisError extends Error {
  override readonly name = 'PortcullisError'
  declare readonly code: ErrorCode
  declare readonly detail: string | undefined

  constructor(code: ErrorCode, message: string, { detail, cause }: ErrorOptionsWithDetail = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.detail = detail
    // In a static block it would be set once, but Safari has those since 16.4 only.
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** A subclass keeps the usual meaning: the brand does not tell whether an error is one of its own. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return this === PortcullisError
      ? Boolean((value as Branded | null | undefined)?.[BRAND])
      : super[Symbol.hasInstance](value)
  }
}
