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

/** The claims of an accepted token, as they stand in it. */
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
 * The token passed every check. Header and claims are read when they are first asked for; they are frozen, to the bottom,
 * because everybody who shows the token gets the same ones.
 */
export interface Accepted<C extends Claims = Claims> {
  ok: true
  claims: C
  header: Header
  /** The short name of the realm whose issuer the token names. */
  realm: string
  /** The position in the realm's ledger up to which revocations were known. */
  sequence: number
}

/** The token was refused, for one reason. */
export interface Refused {
  ok: false
  reason: Reason
  /** The HTTP status that fits: 401, 403 or 503. */
  status: 401 | 403 | 503
  /** With `insufficient_scope`: the scopes that were asked for. */
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

/** How a realm's tokens look and who issues them. The origin and the gate read it alike. */
export interface TokenOptions {
  /** The short name used in routes and reports: letters, digits, `-`, `_`, `.`; unique. */
  name: string
  /** The exact `iss` of the realm's tokens. */
  issuer: string
  /** Whom the tokens must be meant for: one of these must be in `aud`. `'none'`: the tokens carry no audience and it is not checked. */
  audience: string | string[] | 'none'
  /** Which kind of token (RFC 8725 §3.12): `rfc9068`, `keycloak` or `generic`. Default `generic`. */
  profile?: 'rfc9068' | 'keycloak' | 'generic'
  /** The signature algorithms accepted. Default: all that are supported; a key is only ever used with its own one. */
  algorithms?: Algorithm[]
  /** The algorithm of an RSA key whose JWK names none. Default `RS256`. */
  rsaAlgorithm?: Algorithm
  /** The claim that names the issuer. Default `iss`. */
  issuerClaim?: string
  /** The names of other claims. Defaults: `sub`, `jti`, `sid`, `token_use`, `token_version`, `last_logout_time`, `scope`. */
  claimNames?: Partial<ClaimNames>
  /** Claims that must be present. Default `exp iat sub jti` (and `client_id` in `rfc9068`). */
  requiredClaims?: string[]
  /** What a `keycloak` token without `sub` gets. Default `refuse` (`missing_claim`). */
  subjectless?: 'refuse' | 'accept'
  /** Which time is compared with a not-before. Default `issuedAt`; `authTime` also ends tokens refreshed from an older login. */
  compare?: 'issuedAt' | 'authTime'
}

export interface ClaimNames {
  subject: string
  tokenId: string
  session: string
  tokenUse: string
  tokenVersion: string
  /**
   * When the user last logged out, as far as the issuer knew (a NumericDate, floored; absent: not looked at). A token that says
   * less than the user's not-before is `user_revoked` whatever its `iat`, as long as the not-before is kept. The issuer must
   * put in at least the not-before that was recorded (`origin.userNotBefore`).
   */
  lastLogoutTime: string
  scope: string
}

/** One realm of a gate. */
export interface RealmOptions extends TokenOptions {
  /** The issuer's keys: a set, or where to fetch it. Left out: the set that the feed carries. */
  jwks?: URL | string | JWKS
  feed: FeedOptions
}

/** Where a realm's revocation state comes from. */
export interface FeedOptions {
  /** The realm's feed, such as `https://origin.example/feed/acme`. */
  url: URL | string
  /** The pinned Ed25519 public keys whose signatures are believed; two while the origin rotates its key. */
  keys: JWK[]
  /** How changes arrive besides pushes. `pull`: asked for behind requests (default). `stream`: server-sent events, for processes that live long. */
  mode?: 'pull' | 'stream'
  /** A bearer credential for a feed that asks for one. */
  credential?: string
  /**
   * The name and secret (`ackSecret`) under which the origin knows this edge (`edges` there): it then hears how far this gate
   * is, and its pushes show the secret. Default: pushes longer than 64 KiB are taken for a hint to pull.
   */
  acknowledge?: { edge: string; secret: string }
}

/** Something an operator should hear of. It holds no token, secret or attacker's text. */
export interface Report {
  /** `options`: what the function that makes the options of each `env` costs. `fault`: the core failed and is being replaced. */
  kind: 'feed' | 'jwks' | 'clock' | 'options' | 'fault'
  realm: string
  error: PortcullisError
}

/** The staleness contract and the bounds of a gate. Each has a default; unknown options throw. */
export interface GateOptions {
  realms: RealmOptions[]
  /** The longest token read, in bytes. Default 16384. */
  maxTokenBytes?: number
  /**
   * How many tokens are remembered whose signature was good; `0`: none. What may change (keys, bans, time, revocation,
   * freshness) is looked at every time all the same. Default 10000.
   */
  verifiedTokenCacheEntries?: number
  /** How many bytes they may take, in the core, and as many again for their claims beside it; `0`: none. Default 8388608. */
  verifiedTokenCacheBytes?: number
  /**
   * Who checks signatures. `fastest`: for each algorithm whoever is fastest here, the host or Rust. `rust`: the core alone.
   * Default `fastest`.
   */
  verifySignatures?: 'fastest' | 'rust'
  /** How long a token is accepted after `exp` and before `nbf`. Default 5. */
  leewaySeconds?: number
  /** How far clocks may differ. Default 5. */
  skewSeconds?: number
  /** The longest `exp - iat` accepted; revocations are kept that long. Default 86400. */
  maxLifetimeSeconds?: number
  /**
   * With `compare: 'authTime'`: a token whose login (`auth_time`) is older than this, and than `maxLifetimeSeconds`, is refused
   * (`lifetime_exceeded`). The smaller of this and the origin's counts. Default: the origin's.
   */
  maxSessionSeconds?: number
  /** State older than this is refreshed behind the request. Default 1. */
  refreshAfterSeconds?: number
  /** State older than this is refreshed before the request goes on. Default 5. */
  waitAfterSeconds?: number
  /** How long a request waits for a refresh. Default 1000. */
  refreshTimeoutMs?: number
  /** State older than this is stale. Default 60. */
  maxStaleSeconds?: number
  /** What stale state means. Default `refuse` (`stale_feed`). */
  whenStale?: 'refuse' | 'accept'
  /** Where even `whenStale: 'accept'` ends. Default 3600. */
  maxAcceptStaleSeconds?: number
  /** How long the first requests wait for the first state and the first keys. Default 2000. */
  firstLoadTimeoutMs?: number
  /** How long a fetched JWK set is used before it is fetched again. Default 300. */
  jwksMaxAgeSeconds?: number
  /** How long it is used at the most when it cannot be fetched again; then `keys_unavailable`. Default 3600. */
  jwksMaxStaleSeconds?: number
  /** How long a JWK set may take, or having the origin look for new keys where the feed carries them. Default 2000. */
  jwksTimeoutMs?: number
  /** Where keys may be fetched, and secrets sent, without TLS. Default `loopback`: only on this machine. */
  plainHttp?: 'loopback' | 'anywhere'
  /** The `fetch` to use. Default: the host's. */
  fetch?: typeof fetch
  /** Hears of refused feeds, unreachable keys and the like. Default: `console.warn`, each kind at most once a minute. */
  onReport?: (report: Report) => void
}

/** Gives work that may go on after the answer to the host: Cloudflare's `ctx.waitUntil`. */
export type WaitUntil = (promise: Promise<unknown>) => void

/**
 * For gates whose options come from an `env`. It may be left out as long as one gate is open; with several, calls without it
 * throw `invalid_option` (`detail: 'env_needed'`), for it could be anyone's.
 */
export interface EnvOption<Env = unknown> {
  env?: Env
}

/** `env`, and how work is handed to the host. A host's execution context may be given as it is. */
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
   * Origins that may call, exactly as browsers send them; `'*'` for any. This alone decides: an `Access-Control-Allow-Origin`
   * of the handler's own is replaced, or taken away.
   */
  origins: string[] | '*'
  /** Default `GET, HEAD, POST, PUT, PATCH, DELETE`. */
  methods?: string[]
  /** Default `Authorization, Content-Type`. */
  headers?: string[]
  /** How long a preflight's answer is remembered. Default 600. */
  maxAgeSeconds?: number
}

export interface ProtectOptions {
  scope?: string[]
  /** Who may read answers from other origins. It is said on the handler's own response; only where its headers are immutable, on a copy. */
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

/** What a realm's state is, for health checks and consoles. */
export interface Status {
  realm: string
  /** False until the first manifest was applied. */
  loaded: boolean
  sequence: number
  /** Seconds since the origin stated what is known here; `undefined` before the first. */
  ageSeconds: number | undefined
  keys: boolean
  tokenIds: number
  epochs: number
  sectionBytes: number
  liveEntries: number
  errorRate: number
  /**
   * A digest of what gate and origin must agree on: `issuer`, `issuerClaim`, `profile`, `compare` and `claimNames` but for
   * `scope`. `origin.status()` has the same, or revocations are lost. Its form is a version, a colon and 32 hexadecimal digits.
   */
  policy: string
}

/** What a manifest or delta did. */
export interface FeedApplied {
  realm: string
  sequence: number
  /** False when it was known already or only renewed freshness. */
  changed: boolean
}

/**
 * The edge's verifier. No I/O happens until its first use. Unknown options of a call throw `invalid_option`, or reject with it;
 * so does a call without `env` where several gates are open.
 */
export interface Gate<Env = unknown> {
  /** Judges a token, refreshing keys and state as the staleness contract says. Never throws for what a token holds. */
  check<C extends Claims = Claims>(token: string, options?: CheckOptions<Env>): Promise<Verdict<C>>
  /** Judges a token by what is loaded now, without any I/O. */
  checkSync<C extends Claims = Claims>(token: string, options?: CheckSyncOptions<Env>): Verdict<C>
  /** Takes the bearer token from `Authorization` (RFC 6750 §2.1) and judges it. */
  authenticate(request: Request, options?: AuthenticateOptions<Env>): Promise<Verdict>
  /** The response for a refusal (RFC 6750 §3). */
  challenge(refused: Refused): Response
  /** A worker's `fetch` that only lets accepted requests through. */
  protect(
    handler: ProtectedHandler<Env>,
    options?: ProtectOptions,
  ): (request: Request, env?: Env, ctx?: ExecutionContextLike) => Promise<Response>
  /** Every check with its outcome, for people; never usable as a verdict. */
  explain(token: string, options?: HostOptions<Env>): Promise<Check[]>
  /**
   * Answers a push from the origin: the body is a manifest or a delta. With the realm's secret (`feed.acknowledge`) as bearer
   * credential 200 says `{realm, sequence, changed}`, 409 that changes before these are missing, and 400 why it was refused.
   * Without it 200 means that the bytes are a statement of a realm here, or too long to be read, and 400 that they are none:
   * neither says what the gate knows.
   */
  receiveFeed(request: Request, options?: HostOptions<Env>): Promise<Response>
  /** Applies a manifest or a delta. Throws `feed_refused`; then nothing has changed. */
  applyFeed(bytes: Uint8Array, options?: EnvOption<Env>): FeedApplied
  /** Fetches what is newer, for every realm or the one named. */
  refresh(realm?: string, options?: EnvOption<Env>): Promise<void>
  /** What is known of each realm. Empty for options from an `env` that was never given. */
  status(options?: EnvOption<Env>): Status[]
  /** Stops streams and timers and frees the core. */
  close(): void
}
