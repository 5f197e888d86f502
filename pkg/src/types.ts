import type { PortcullisError } from './errors.ts'
import type { Reason } from './reasons.ts'

/** A JSON Web Key (RFC 7517). */
export interface JWK {
  kty?: string | undefined
  kid?: string
  alg?: string
  use?: string
  key_ops?: string[]
  crv?: string
  x?: string
  y?: string
  n?: string
  e?: string
  /** The private part. Never in a set that is published or given to a gate. */
  d?: string
  /** A symmetric key's value (base64url). Only in sets that stand in the configuration. */
  k?: string
  [member: string]: unknown
}

/** A JSON Web Key set (RFC 7517 §5). */
export interface JWKS {
  keys: JWK[]
}

/** The claims of an accepted token, unchanged. */
export interface Claims {
  iss?: string
  sub?: string
  aud?: string | string[]
  exp?: number
  nbf?: number
  iat?: number
  jti?: string
  sid?: string
  azp?: string
  client_id?: string
  scope?: string
  [claim: string]: unknown
}

/** The header of an accepted token (RFC 7515 §4). */
export interface Header {
  alg: string
  kid?: string
  typ?: string
  [member: string]: unknown
}

/**
 * The token passed every check. Header and claims are parsed on first use and deeply frozen, because all requests with the same
 * token share them.
 */
export interface Accepted<C extends Claims = Claims> {
  ok: true
  claims: C
  header: Header
  /** The short name of the realm whose issuer the token names. */
  realm: string
  /** The position in the realm's ledger up to which revocations were applied. */
  sequence: number
}

/** The token was refused, for one reason. */
export interface Refused {
  ok: false
  reason: Reason
  /** The HTTP status that fits: 401, 403 or 503. */
  status: 401 | 403 | 503
  /** With `insufficient_scope`: the scopes that were needed. */
  scope?: string[]
}

export type Verdict<C extends Claims = Claims> = Accepted<C> | Refused

/** One check of a token, with its outcome; for people, never a verdict. */
export interface Check {
  check: string
  outcome: 'passed' | 'failed' | 'not_reached'
  reason?: Reason
  detail?: string
}

export type Algorithm =
  | 'HS256' | 'HS384' | 'HS512'
  | 'RS256' | 'RS384' | 'RS512'
  | 'PS256' | 'PS384' | 'PS512'
  | 'ES256' | 'ES384' | 'ES512'
  | 'EdDSA' | 'Ed25519'

/** The tokens of a realm and their issuer. Origin and gate must agree on it. */
export interface TokenOptions {
  /** The short name used in routes and reports: letters, digits, `-`, `_`, `.`; unique. */
  name: string
  /** The exact `iss` of the realm's tokens. */
  issuer: string
  /** The accepted audiences: one of these must be in `aud`. `'none'`: tokens have no audience, and it is not checked. */
  audience: string | string[] | 'none'
  /** The kind of token (RFC 8725 §3.12): `rfc9068`, `keycloak` or `generic`. Default `generic`. */
  profile?: 'rfc9068' | 'keycloak' | 'generic'
  /** The signature algorithms accepted; a key is only ever used with its own one. Default: all that are supported. */
  algorithms?: Algorithm[]
  /** The algorithm of an RSA key whose JWK names none. Default `RS256`. */
  rsaAlgorithm?: Algorithm
  /** The claim that names the issuer. Default `iss`. */
  issuerClaim?: string
  /** The names of other claims. Default: `sub`, `jti`, `sid`, `token_use`, `token_version`, `last_logout_time`, `scope`. */
  claimNames?: Partial<ClaimNames>
  /** Claims that must be present. Default `exp iat sub jti` (and `client_id` in `rfc9068`). */
  requiredClaims?: string[]
  /** How `keycloak` tokens without `sub` are treated. Default `refuse` (`missing_claim`). */
  subjectless?: 'refuse' | 'accept'
  /** The time compared with a not-before; `authTime` also refuses tokens refreshed from an older login. Default `issuedAt`. */
  compare?: 'issuedAt' | 'authTime'
}

export interface ClaimNames {
  /** The user. Default `sub`. */
  subject: string
  /** The token's id. Default `jti`. */
  tokenId: string
  /** The session. Default `sid`. */
  session: string
  /** The purpose of the token. Default `token_use`. */
  tokenUse: string
  /** The version that `raiseTokenVersion` compares. Default `token_version`. */
  tokenVersion: string
  /**
   * When the user last logged out, as known to the issuer (a NumericDate, rounded down; absent: not checked). A token with less
   * than the user's not-before is `user_revoked` whatever its `iat`, while the not-before is kept. The issuer must set at least
   * the recorded not-before (`origin.userNotBefore`). Default `last_logout_time`.
   */
  lastLogoutTime: string
  /** The scopes granted. Default `scope`. */
  scope: string
}

/** One realm of a gate. */
export interface RealmOptions extends TokenOptions {
  /** The issuer's keys: a set, or its URL. Default: the set that the feed carries. */
  jwks?: URL | string | JWKS
  /** Where revocation state comes from: `url`, the pinned `keys`, and `mode`, `credential`, `acknowledge: { edge, secret }`. */
  feed: FeedOptions
}

/** Where a realm's revocation state comes from. */
export interface FeedOptions {
  /** The realm's feed, such as `https://origin.example/feed/acme`. */
  url: URL | string
  /** The trusted Ed25519 public keys of the feed; two while the origin rotates its key. */
  keys: JWK[]
  /** How changes arrive besides pushes. `pull`: fetched in the background of requests (default). `stream`: server-sent events, for long-lived processes. */
  mode?: 'pull' | 'stream'
  /** A bearer credential for a feed that requires one. */
  credential?: string
  /**
   * The name and secret (`ackSecret`) of this edge in the origin's `edges`: the gate then acknowledges its position, and the
   * origin's pushes present the secret. Default: none; pushes longer than 64 KiB are a hint to pull.
   */
  acknowledge?: { edge: string; secret: string }
}

/** An event that an operator should know. It contains no token, secret or text of an attacker's choice. */
export interface Report {
  /** `options`: the function that makes the options of each `env` is costly. `fault`: the core failed and is being replaced. */
  kind: 'feed' | 'jwks' | 'clock' | 'options' | 'fault'
  realm: string
  error: PortcullisError
}

/** The staleness contract and the bounds of a gate. Each has a default; unknown options throw. */
export interface GateOptions {
  /** The issuers whose tokens are accepted. */
  realms: RealmOptions[]
  /** The longest token read, in bytes. Default 16384. */
  maxTokenBytes?: number
  /**
   * How many tokens with a good signature are cached; `0`: none. Everything that may change (keys, bans, time, revocation,
   * freshness) is still checked every time. Default 10000.
   */
  verifiedTokenCacheEntries?: number
  /** How many bytes these may take in the core, and as many again for their claims outside it; `0`: none. Default 8388608. */
  verifiedTokenCacheBytes?: number
  /** Who verifies signatures: for each algorithm the faster of host and Rust (`fastest`), or `rust` alone. Default `fastest`. */
  verifySignatures?: 'fastest' | 'rust'
  /** How long a token is accepted after `exp` and before `nbf`. Default 5. */
  leewaySeconds?: number
  /** How far clocks may differ. Default 5. */
  skewSeconds?: number
  /** The longest `exp - iat` accepted; revocations are kept for that time. Default 86400. */
  maxLifetimeSeconds?: number
  /**
   * With `compare: 'authTime'`: a token whose login (`auth_time`) is older than this, and than `maxLifetimeSeconds`, is refused
   * (`lifetime_exceeded`). The smaller of this and the origin's counts. Default: the origin's.
   */
  maxSessionSeconds?: number
  /** State older than this is refreshed in the background of the request. Default 1. */
  refreshAfterSeconds?: number
  /** State older than this is refreshed before the request continues. Default 5. */
  waitAfterSeconds?: number
  /** How long a request waits for a refresh. Default 1000. */
  refreshTimeoutMs?: number
  /** State older than this is stale. Default 60. */
  maxStaleSeconds?: number
  /** How tokens are treated with stale state. Default `refuse` (`stale_feed`). */
  whenStale?: 'refuse' | 'accept'
  /** The age from which even `whenStale: 'accept'` refuses. Default 3600. */
  maxAcceptStaleSeconds?: number
  /** How long the first requests wait for the first state (then `no_feed`) and keys (then `keys_unavailable`). Default 2000. */
  firstLoadTimeoutMs?: number
  /** How long a fetched JWK set is used before it is fetched again. Default 300. */
  jwksMaxAgeSeconds?: number
  /** How long it is used if it cannot be fetched again; then `keys_unavailable`. Default 3600. */
  jwksMaxStaleSeconds?: number
  /** How long fetching a JWK set may take, or a lookup of new keys by the origin where the feed carries them. Default 2000. */
  jwksTimeoutMs?: number
  /** To which hosts keys may be fetched, and secrets sent, without TLS. Default `loopback` (only on this machine). */
  plainHttp?: 'loopback' | 'anywhere'
  /** The `fetch` to use. Default: the global one. */
  fetch?: typeof fetch
  /** Called for refused feeds (`feed`), unusable keys (`jwks`), differing clocks (`clock`), a failed core (`fault`). Default: `console.warn`, each kind at most once a minute. */
  onReport?: (report: Report) => void
}

/** Extends the request's lifetime for work after its response: Cloudflare's `ctx.waitUntil`. */
export type WaitUntil = (promise: Promise<unknown>) => void

/**
 * For gates whose options come from an `env`. It may be omitted while one gate is open; with several, calls without it throw
 * `invalid_option` (`detail: 'env_needed'`), because the tenant would be ambiguous.
 */
export interface EnvOption<Env = unknown> {
  env?: Env
}

/** `env` and `waitUntil`. A runtime's execution context may be given as it is. */
export interface HostOptions<Env = unknown> extends EnvOption<Env> {
  waitUntil?: WaitUntil
}

export interface ScopeOption {
  /** Scopes that must all be granted (RFC 6749 §3.3); else `insufficient_scope`. Default: none. */
  scope?: string[]
}

export interface CheckSyncOptions<Env = unknown> extends EnvOption<Env>, ScopeOption {}

export interface CheckOptions<Env = unknown> extends HostOptions<Env>, ScopeOption {}

export interface AuthenticateOptions<Env = unknown> extends CheckOptions<Env> {}

export interface CorsOptions {
  /**
   * Origins that may call, exactly as browsers send them; `'*'` for any. Only this decides: the handler's own
   * `Access-Control-Allow-Origin` is replaced or removed.
   */
  origins: string[] | '*'
  /** Default `GET, HEAD, POST, PUT, PATCH, DELETE`. */
  methods?: string[]
  /** Default `Authorization, Content-Type`. */
  headers?: string[]
  /** How long browsers cache a preflight's response. Default 600. */
  maxAgeSeconds?: number
}

export interface ProtectOptions {
  scope?: string[]
  /** Which other origins may read responses. The headers are set on the handler's own response; on a copy where they are immutable. */
  cors?: CorsOptions
}

/** The parts of a worker's execution context that are used here. */
export interface ExecutionContextLike {
  waitUntil?: WaitUntil
}

export type ProtectedHandler<Env = unknown> = (
  request: Request,
  env: Env,
  ctx: ExecutionContextLike,
  auth: Accepted,
) => Response | Promise<Response>

/** A realm's state, for health checks and consoles. */
export interface Status {
  realm: string
  /** False until the first manifest was applied. */
  loaded: boolean
  sequence: number
  /** Seconds since the origin stated this state; `undefined` before the first statement. */
  ageSeconds: number | undefined
  keys: boolean
  tokenIds: number
  epochs: number
  sectionBytes: number
  liveEntries: number
  errorRate: number
  /**
   * A digest of the options on which gate and origin must agree: `issuer`, `issuerClaim`, `profile`, `compare` and `claimNames` but for
   * `scope`. `origin.status()` has the same, or revocations are lost. Its form is a version, a colon and 32 hexadecimal digits.
   */
  policy: string
}

/** The effect of a manifest or delta. */
export interface FeedApplied {
  realm: string
  sequence: number
  /** False if it was known already or only renewed freshness. */
  changed: boolean
}

/**
 * The edge's verifier. No I/O happens before its first use. Unknown options of a call throw `invalid_option`, or reject with it;
 * so does a call without `env` while several gates are open.
 */
export interface Gate<Env = unknown> {
  /** Checks a token, refreshing keys and state as the staleness contract demands. Never throws for a token's content. */
  check<C extends Claims = Claims>(token: string, options?: CheckOptions<Env>): Promise<Verdict<C>>
  /** Checks a token by what is loaded now, without I/O. */
  checkSync<C extends Claims = Claims>(token: string, options?: CheckSyncOptions<Env>): Verdict<C>
  /** Takes the bearer token from `Authorization` (RFC 6750 §2.1) and checks it. */
  authenticate(request: Request, options?: AuthenticateOptions<Env>): Promise<Verdict>
  /** The response for a refusal (RFC 6750 §3). */
  challenge(refused: Refused): Response
  /** A worker's `fetch` that passes only accepted requests to the handler. */
  protect(
    handler: ProtectedHandler<Env>,
    options?: ProtectOptions,
  ): (request: Request, env?: Env, ctx?: ExecutionContextLike) => Promise<Response>
  /** Every check with its outcome, for people; never usable as a verdict. */
  explain(token: string, options?: HostOptions<Env>): Promise<Check[]>
  /**
   * Responds to a push from the origin: the body is a manifest or a delta. With the realm's secret (`feed.acknowledge`) as bearer
   * credential 200 has `{realm, sequence, changed}`, 409 means that earlier changes are missing, and 400 has the reason. Without
   * it 200 means that the bytes are a statement of a realm here, or too long to be read, and 400 that they are not: neither
   * reveals the gate's state.
   */
  receiveFeed(request: Request, options?: HostOptions<Env>): Promise<Response>
  /** Applies a manifest or a delta. Throws `feed_refused`; then nothing has changed. */
  applyFeed(bytes: Uint8Array, options?: EnvOption<Env>): FeedApplied
  /** Fetches newer keys and state, for every realm or the one named. */
  refresh(realm?: string, options?: EnvOption<Env>): Promise<void>
  /** The state of each realm. Empty for options from an `env` that was never given. */
  status(options?: EnvOption<Env>): Status[]
  /** Stops streams and timers and frees the core. */
  close(): void
}
