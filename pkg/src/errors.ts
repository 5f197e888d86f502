/**
 * The codes of failed operations; a refused token is a verdict, not an error. Codes are stable, messages are for
 * people. The page www/docs/reference/errors.md lists the usual cause and fix of each.
 */
export const ERROR_CODES = [
  /** An option is missing, unknown, of the wrong type or out of range; the message names it. */
  'invalid_option',
  /**
   * `authorize` threw, returned neither `true` nor `false`, or did not settle in time; `detail` says which, and `cause`
   * is the error thrown.
   */
  'authorize_failed',
  /**
   * A gate's `realms` function threw, did not settle in time, or returned no realm of the issuer; `detail` says which.
   */
  'realms_failed',
  /** A gate was passed the request or the arguments of a framework that has an adapter; the message names it. */
  'wrong_request',
  /** The wasm module was used before an entry file loaded it. */
  'not_loaded',
  /**
   * `checkSync` found a signature that this build leaves to the host, which has no synchronous cryptography; the
   * message names the algorithm.
   */
  'host_crypto_needed',
  /** The gate or origin was closed. */
  'closed',
  /** More gates than allowed were needed at once: one for each `env` with different options. */
  'too_many_gates',
  /** Not a JWK set, or one without a usable key. */
  'invalid_jwks',
  /**
   * Some keys of a JWK set are not used; the message lists each with its reason, and `detail` is the reason if all have
   * the same one.
   */
  'keys_skipped',
  /** A JWK set could not be fetched. */
  'jwks_unreachable',
  /**
   * An issuer's metadata could not be fetched, or names another issuer or a forbidden URL for its keys; `detail` says
   * which.
   */
  'discovery_failed',
  /** A manifest, delta or section was refused; `detail` says why. */
  'feed_refused',
  /** The feed could not be fetched. */
  'feed_unreachable',
  /** The origin's policy differs from the gate's; the message names the options that differ. */
  'policy_differs',
  /** The origin does not publish its policy, or publishes an unknown version of it; `detail` says which. */
  'policy_unknown',
  /** A realm's `revocation` is `unchecked`: its revoked tokens are accepted. */
  'revocation_unchecked',
  /** A body was larger than its limit. */
  'too_large',
  /** A body did not arrive within its time. */
  'timed_out',
  /** A body was truncated, or had already been read. */
  'body_unreadable',
  /** The token passed to a revocation is malformed, wrongly signed or from an unknown issuer. */
  'invalid_token',
  /** The token passed to a revocation is not an access token. */
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
   * An edge acknowledged a sequence or chain unknown here: for a ledger restored from a backup, raise `incarnation`.
   */
  'acknowledged_ahead',
  /** An edge has acknowledged nothing newer for `silentAfterSeconds`. */
  'edge_silent',
  /** The address is in use or not permitted. */
  'listen_failed',
  /** The issuer's clock, or the time of an event, is too far ahead of the origin's clock; `detail` says which. */
  'clock_differs',
  /**
   * An identity server could not be reached, refused a request, or sent an unusable response; `detail` is the reason,
   * and the message says what to do.
   */
  'connector_failed',
  /**
   * Events of an identity server were deleted before they were read: the origin was away longer than the server keeps
   * them.
   */
  'connector_gap',
  /**
   * An identity server does not store data that a connector needs, or its account may not read it; the message lists
   * the data.
   */
  'connector_incomplete',
  /** An administrator of an identity server started a session as a user; the audit log names the user. */
  'impersonated',
  /** An unexpected failure; `cause` is the error, if there is one. */
  'fault',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

interface ErrorOptionsWithDetail {
  /** A stable word for the particular cause, such as `gap` or `bad_signature` for a refused feed. */
  detail?: string
  cause?: unknown
}

/** Set on every error, by every copy of the package: the registry of symbols is global to them. */
const BRAND = Symbol.for('portcullis.error')
type Branded = { [BRAND]?: boolean }

/**
 * The package's only error class. `instanceof` also recognizes errors of another copy, such as the CommonJS build next
 * to the ES module, or one bundled into a dependency.
 */
export class PortcullisError extends Error {
  override readonly name = 'PortcullisError'
  declare readonly code: ErrorCode
  declare readonly detail: string | undefined

  constructor(code: ErrorCode, message: string, { detail, cause }: ErrorOptionsWithDetail = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.detail = detail
    // A static block would set it once, but Safari supports those only since 16.4.
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** A subclass keeps the usual meaning of `instanceof`: the brand does not identify its errors. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return this === PortcullisError
      ? Boolean((value as Branded | null | undefined)?.[BRAND])
      : super[Symbol.hasInstance](value)
  }
}
