import type { PortcullisError } from '../errors.ts'
import type { RealmOptions, UncheckedRealmOptions } from './realm.ts'

/** The staleness contract and the bounds of a gate. Each has a default; unknown options throw. */
export interface GateOptions {
  /**
   * The issuers whose tokens are accepted; or, in `RunTimeGateOptions`, a function that returns the realm of an issuer.
   * It is called when the issuer's first token arrives, if `issuers` contains that issuer. The realm has exactly that
   * `issuer` and its own `name`; `undefined`: unknown issuer.
   */
  realms: (RealmOptions | UncheckedRealmOptions)[]
  /**
   * Only in `RunTimeGateOptions`. Declared here so that the compiler distinguishes the two and reports errors against
   * the intended one.
   */
  issuers?: undefined
  /** Maximum length of a token in bytes. Allowed: 100 to 1048576. Default 16384. */
  maxTokenBytes?: number
  /**
   * Maximum number of cached tokens with a valid signature; `0`: none. Everything that may change (keys, bans, time,
   * revocation, freshness) is still checked every time. Allowed: 0 to 1000000. Default 10000.
   */
  verifiedTokenCacheEntries?: number
  /**
   * Maximum bytes of these in the core, and as many again for their claims outside it; `0`: none. Allowed: 0 to
   * 1073741824. Default 8388608.
   */
  verifiedTokenCacheBytes?: number
  /**
   * The verifier of signatures: for each algorithm the faster of host and Rust (`fastest`), or only `rust`. Default
   * `fastest`.
   */
  verifySignatures?: 'fastest' | 'rust'
  /** How long a token is accepted after `exp` and before `nbf`. Allowed: 0 or more. Default 5. */
  leewaySeconds?: number
  /** Tolerated difference between clocks. Allowed: 0 or more. Default 5. */
  skewSeconds?: number
  /**
   * Maximum accepted `exp - iat`. Allowed: 1 or more. A realm with a feed accepts at most what its origin states, and
   * an origin at most 3456000 (40 days), because it keeps revocations for that time. Default 86400.
   */
  maxLifetimeSeconds?: number
  /**
   * With `compare: 'authTime'`: a token whose login (`auth_time`) is older than this, and than `maxLifetimeSeconds`, is
   * refused (`lifetime_exceeded`). The smaller of this and the origin's applies. Allowed: 1 or more. Default: the
   * origin's.
   */
  maxSessionSeconds?: number
  /** Age from which state is refreshed in the background of requests. Allowed: 0 or more. Default 1. */
  refreshAfterSeconds?: number
  /** Age from which state is refreshed before the request continues. Allowed: 0 or more. Default 5. */
  waitAfterSeconds?: number
  /** Maximum wait of a request for a refresh. Allowed: 0 to 2147483647. Default 1000. */
  refreshTimeoutMs?: number
  /** Age from which state is stale. Allowed: 0 or more. Default 60. */
  maxStaleSeconds?: number
  /** How tokens are treated with stale state. Default `refuse` (`stale_feed`). */
  whenStale?: 'refuse' | 'accept'
  /** The age from which even `whenStale: 'accept'` refuses. Allowed: 0 or more. Default 3600. */
  maxAcceptStaleSeconds?: number
  /**
   * Maximum wait of the first requests for the first state (then `no_feed`) and keys (then `keys_unavailable`).
   * Allowed: 0 to 2147483647. Default 2000.
   */
  firstLoadTimeoutMs?: number
  /** Age at which a fetched JWK set is fetched again. Allowed: 0 or more. Default 300. */
  jwksMaxAgeSeconds?: number
  /**
   * Maximum age at which it is still used if it cannot be fetched again; then `keys_unavailable`. Allowed: 0 or more.
   * Default 3600.
   */
  jwksMaxStaleSeconds?: number
  /**
   * Maximum time for fetching a JWK set, or for a lookup of new keys by the origin if the feed carries them. Allowed: 1
   * to 2147483647. Default 2000.
   */
  jwksTimeoutMs?: number
  /**
   * Hosts from which keys may be fetched, and to which secrets may be sent, without TLS. Default `loopback` (only this
   * machine).
   */
  plainHttp?: 'loopback' | 'anywhere'
  /** The `fetch` to use. Default: the global one. */
  fetch?: typeof fetch
  /**
   * Called for refused feeds (`feed`), unusable and skipped keys (`jwks`), differing clocks (`clock`), options that
   * differ from the origin's (`options`), and a failed core (`fault`). Default: `console.warn`, each kind and code at
   * most once a minute, without skipped keys that are for another use.
   */
  onReport?: (report: Report) => void
}

/** The options of a gate whose realms are a function of the issuer. */
export interface RunTimeGateOptions extends Omit<GateOptions, 'realms' | 'issuers'> {
  /** Called for the realm of an issuer when its first token arrives. */
  realms: RealmResolver
  /**
   * Only with a function: the issuers for which it may be called, 1 to 1000. Exact names, or patterns with one whole
   * path segment or host label in braces, for example `https://{tenant}.example.com/`. `https:` only; see `plainHttp`.
   * No default: required.
   */
  issuers: string[]
}

/** The options from which a gate can be created. */
export type AnyGateOptions = GateOptions | RunTimeGateOptions

/**
 * Returns the realm of an issuer, or `undefined` for an unknown one, within a second. The issuer is an unverified
 * string that matches `issuers`: look it up, and never trust every issuer that matches. Called at most once a second
 * for issuers without a verified token.
 */
export type RealmResolver = (issuer: string) => FoundRealm | Promise<FoundRealm>

type FoundRealm = RealmOptions | UncheckedRealmOptions | undefined

/** An event that an operator should know. It contains no token, secret or string of an attacker's choice. */
export interface Report {
  /**
   * `options`: the function that returns the options of each `env` is costly, the origin's policy differs from the
   * gate's or is unknown, a CORS option allows foreign pages or its function fails, the function `realms` has failed,
   * or a realm's revocation is `unchecked` (at the first use, and each hour of use). `fault`: the core failed and is
   * being replaced.
   */
  kind: 'feed' | 'jwks' | 'clock' | 'options' | 'fault'
  /** The realm's name, or `*` if realms are a function and the report concerns no single one. */
  realm: string
  error: PortcullisError
}
