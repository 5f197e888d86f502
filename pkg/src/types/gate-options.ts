import type { PortcullisError } from '../errors.ts'
import type { RealmOptions, UncheckedRealmOptions } from './realm.ts'

/** The staleness contract and the bounds of a gate. Each has a default; unknown options throw. */
export interface GateOptions {
  /**
   * The issuers whose tokens are accepted; or, in `RunTimeGateOptions`, a function that returns the realm of an issuer.
   * It is called when the issuer's first token arrives, if `issuers` has that issuer. The realm has exactly that
   * `issuer` and its own `name`; `undefined`: unknown issuer.
   */
  realms: (RealmOptions | UncheckedRealmOptions)[]
  /**
   * Only in `RunTimeGateOptions`. Named here so that the compiler tells both apart, and says what is wrong with the one
   * meant.
   */
  issuers?: undefined
  /** The longest token read, in bytes. Allowed: 100 to 1048576. Default 16384. */
  maxTokenBytes?: number
  /**
   * How many tokens with a good signature are cached; `0`: none. Everything that may change (keys, bans, time,
   * revocation, freshness) is still checked every time. Allowed: 0 to 1000000. Default 10000.
   */
  verifiedTokenCacheEntries?: number
  /**
   * How many bytes these may take in the core, and as many again for their claims outside it; `0`: none. Allowed: 0 to
   * 1073741824. Default 8388608.
   */
  verifiedTokenCacheBytes?: number
  /**
   * Who verifies signatures: for each algorithm the faster of host and Rust (`fastest`), or `rust` alone. Default
   * `fastest`.
   */
  verifySignatures?: 'fastest' | 'rust'
  /** How long a token is accepted after `exp` and before `nbf`. Allowed: 0 or more. Default 5. */
  leewaySeconds?: number
  /** How far clocks may differ. Allowed: 0 or more. Default 5. */
  skewSeconds?: number
  /**
   * The longest `exp - iat` accepted. Allowed: 1 or more. A realm with a feed accepts at most what its origin states,
   * and an origin at most 3456000 (40 days), because it keeps revocations for that time. Default 86400.
   */
  maxLifetimeSeconds?: number
  /**
   * With `compare: 'authTime'`: a token whose login (`auth_time`) is older than this, and than `maxLifetimeSeconds`, is
   * refused (`lifetime_exceeded`). The smaller of this and the origin's counts. Allowed: 1 or more. Default: the
   * origin's.
   */
  maxSessionSeconds?: number
  /** State older than this is refreshed in the background of the request. Allowed: 0 or more. Default 1. */
  refreshAfterSeconds?: number
  /** State older than this is refreshed before the request continues. Allowed: 0 or more. Default 5. */
  waitAfterSeconds?: number
  /** How long a request waits for a refresh. Allowed: 0 to 2147483647. Default 1000. */
  refreshTimeoutMs?: number
  /** State older than this is stale. Allowed: 0 or more. Default 60. */
  maxStaleSeconds?: number
  /** How tokens are treated with stale state. Default `refuse` (`stale_feed`). */
  whenStale?: 'refuse' | 'accept'
  /** The age from which even `whenStale: 'accept'` refuses. Allowed: 0 or more. Default 3600. */
  maxAcceptStaleSeconds?: number
  /**
   * How long the first requests wait for the first state (then `no_feed`) and keys (then `keys_unavailable`). Allowed:
   * 0 to
   * 2147483647. Default 2000.
   */
  firstLoadTimeoutMs?: number
  /** How long a fetched JWK set is used before it is fetched again. Allowed: 0 or more. Default 300. */
  jwksMaxAgeSeconds?: number
  /** How long it is used if it cannot be fetched again; then `keys_unavailable`. Allowed: 0 or more. Default 3600. */
  jwksMaxStaleSeconds?: number
  /**
   * How long fetching a JWK set may take, or a lookup of new keys by the origin where the feed carries them. Allowed: 1
   * to
   * 2147483647. Default 2000.
   */
  jwksTimeoutMs?: number
  /** To which hosts keys may be fetched, and secrets sent, without TLS. Default `loopback` (only on this machine). */
  plainHttp?: 'loopback' | 'anywhere'
  /** The `fetch` to use. Default: the global one. */
  fetch?: typeof fetch
  /**
   * Called for refused feeds (`feed`), unusable and skipped keys (`jwks`), differing clocks (`clock`), options that
   * differ from the origin's (`options`), a failed core (`fault`). Default: `console.warn`, each kind and code at most
   * once a minute, without skipped keys that are for another use.
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

/** The options that a gate can be made of. */
export type AnyGateOptions = GateOptions | RunTimeGateOptions

/**
 * Returns the realm of an issuer, or `undefined` for an unknown one, within a second. The issuer is unverified text
 * that matches `issuers`: look it up, never trust every issuer that matches. Called at most once a second for issuers
 * without a verified token.
 */
export type RealmResolver = (issuer: string) => FoundRealm | Promise<FoundRealm>

type FoundRealm = RealmOptions | UncheckedRealmOptions | undefined

/** An event that an operator should know. It contains no token, secret or text of an attacker's choice. */
export interface Report {
  /**
   * `options`: the function that makes the options of each `env` is costly, the origin's policy differs from the gate's
   * or is not known, or a CORS option allows foreign pages or its function fails, or the function `realms` has failed,
   * or a realm's revocation is `unchecked` (at the first use, and each hour of use). `fault`: the core failed and is
   * being replaced.
   */
  kind: 'feed' | 'jwks' | 'clock' | 'options' | 'fault'
  /** The realm's name; where realms are a function and the report concerns no single one, `*`. */
  realm: string
  error: PortcullisError
}
