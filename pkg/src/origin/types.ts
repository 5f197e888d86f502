import type { PortcullisError } from '../errors.ts'
import type { Reason } from '../reasons.ts'
import type { JWK, JWKS, TokenOptions } from '../types.ts'
import type { AnsweredRequest } from './log.ts'
import type { Act, Audit } from './audit.ts'
import type { SiteData } from './site-data.ts'
import type { RevocationStore } from './store.ts'

/** One realm of an origin: whose tokens it revokes, and who may ask for it. */
export interface OriginRealm extends TokenOptions {
  /** The issuer's keys: a set, where to fetch it, or a function that gives it (asked again when a key is unknown). */
  jwks: URL | string | JWKS | (() => JWKS | Promise<JWKS>)
  /** The role in `realm_access.roles` that may administer the realm. Default `portcullis-admin`. */
  adminRole?: string
  /**
   * How far the issuer's clock may be ahead: added to a not-before that is set 'now'. 0 if they share a clock. A lead that is
   * measured to be greater counts instead, up to `skewSeconds`. Default 2.
   */
  issuerSkewSeconds?: number
  /**
   * How far the clocks of the issuer's own nodes may differ: added to the time that an authenticated source states
   * (`occurredAt`). Default 0: one node, or nodes kept together by NTP.
   */
  sourceSkewSeconds?: number
  /** The longest `exp - iat` of the realm's tokens; revocations are kept that long. Default 86400. */
  maxLifetimeSeconds?: number
  /** With `compare: 'authTime'`: the longest session; not-befores are kept that long. Default 2592000 (30 days). */
  maxSessionSeconds?: number
  /**
   * Whether the feed carries the issuer's public keys: gates without a `jwks` of their own then take them from there. A new key
   * is there as soon as a gate has asked for it; one that the issuer removes leaves once two polls in a row have missed it.
   * Symmetric keys are never published. Default `publish`.
   */
  keysInFeed?: 'publish' | 'omit'
  /** What the issuer lets the origin do, where it runs beside it. Default: the issuer keeps users, sessions and keys to itself. */
  administration?: IssuerAdministration
}

/** What an issuer that runs beside the origin lets it do. The development issuer has all of it. */
export interface IssuerAdministration {
  users(query: IssuerUserQuery): Promise<IssuerUser[]>
  /** Sessions that are not ended; `undefined`: no such user. */
  sessions(sub: string): Promise<IssuerSession[] | undefined>
  keys(): Promise<IssuerKey[]>
  /** A new signing key; older ones still verify. */
  addKey(): Promise<IssuerKey>
  /** Takes a key that no longer signs out of the set. 'active': it still signs. */
  retireKey(kid: string): Promise<'retired' | 'unknown' | 'active'>
  /** What a refresh token is, if this issuer made it; expired and used ones too. */
  refreshToken(token: string): Promise<IssuerRefreshToken | undefined>
  /** The ledger has ended the session: refresh tokens and tables follow. */
  sessionEnded(sid: string): Promise<void>
}

export interface IssuerUserQuery {
  /** A part of the user name. Default: everybody. */
  search?: string
  /** How many to leave out. */
  first: number
  /** How many to give at the most. */
  max: number
}

/** A user as Keycloak's Admin API shows one; `id` is the `sub`. */
export interface IssuerUser {
  id: string
  username: string
  roles?: string[]
}

/** A session as Keycloak's Admin API shows one, with times in unix seconds; `id` is the `sid`. */
export interface IssuerSession {
  id: string
  userId: string
  username: string
  start: number
  lastAccess: number
  clients: string[]
  ipAddress?: string
}

/** `ACTIVE`: it signs; `PASSIVE`: it only verifies; `DISABLED`: it is banned. */
export interface IssuerKey {
  kid: string
  /** RFC 7638. */
  thumbprint: string
  algorithm: string
  use: 'sig'
  status: 'ACTIVE' | 'PASSIVE' | 'DISABLED'
  /** Unix seconds. */
  createdAt?: number
}

export interface IssuerRefreshToken {
  client: string
  session: string
  subject: string
}

/** An edge that the origin knows by name. */
export interface EdgeOptions {
  /** Names it in reports and acknowledgements; unique. */
  name: string
  /** Where the edge takes feeds (`gate.receiveFeed`): changes are POSTed there as soon as they are durable. Default: it pulls. */
  pushUrl?: URL | string
  /**
   * The secret with which it acknowledges what it enforces, and which pushes to it show. Default: its acknowledgements are
   * refused, and it counts as one that does not enforce; of a change longer than 64 KiB it is only told that it should pull.
   */
  ackSecret?: string
}

/** An OAuth client that may revoke tokens issued to it. */
export interface ClientOptions {
  /** Its `client_id`; unique. */
  id: string
  /** Its `client_secret`; only a hash is kept. Default: the client is public and is known by its id alone. */
  secret?: string
  /** The secret's SHA-256 in hexadecimal, instead of the secret. Only for secrets that are random: those need no salt. */
  secretSha256?: string
  /** The realms where it may ask. Default: all. */
  realms?: string[]
}

/** What an origin is made with. Unknown options throw `invalid_option`. */
export interface OriginOptions {
  /** Where revocations are kept: `sqliteStore({ path })` or, for trials, `memoryStore()`. */
  store: RevocationStore
  realms: OriginRealm[]
  /** The private Ed25519 key that signs the feed (`generateFeedKey`). Secret. */
  signingKey: JWK
  /** Who may revoke by `POST /realms/{realm}/protocol/openid-connect/revoke` (RFC 7009). Default: nobody. */
  clients?: ClientOptions[]
  /** Default: none; edges pull. */
  edges?: EdgeOptions[]
  /**
   * Counts the times that the store was restored from a backup. `restoreSqlite` raises it in the store; raise it by one
   * here after restoring in any other way. Sequences then begin beyond all that edges may have seen of what the backup
   * has lost. Default: what the store has, 0 in a new one.
   */
  incarnation?: number
  /** How often edges that are pushed to or stream hear that nothing has happened: 1 to 5. Default 1. */
  heartbeatSeconds?: number
  /** The share of good tokens refused by mistake until they are refreshed, at a full filter. Default 1e-6. */
  errorRate?: number
  /** How long a token is accepted after `exp` and before `nbf`. Default 5. */
  leewaySeconds?: number
  /** How far clocks may differ. Default 5. */
  skewSeconds?: number
  /** How long a signed statement of the feed may be believed. Default 300. */
  validForSeconds?: number
  /** The largest request body read. Default 65536. */
  maxBodyBytes?: number
  /** The longest token read, in bytes. Default 16384. */
  maxTokenBytes?: number
  /** A bearer credential that feed reads must show. Default: the feed is public. */
  feedCredential?: string
  /** How long a push may take. Default 5000. */
  pushTimeoutMs?: number
  /** How long a fetched JWK set is used before it is fetched again. Default 300. */
  jwksMaxAgeSeconds?: number
  /** How long it is used at the most when it cannot be fetched again. Default 3600. */
  jwksMaxStaleSeconds?: number
  /** How long fetching a JWK set may take. Default 2000. */
  jwksTimeoutMs?: number
  /**
   * Where `http:` will do, for requests, pushes and JWK sets: on this machine (`loopback`) or `anywhere`. A proxy that ends TLS
   * on another machine is named to `serve` instead (`trustedProxies`). Default `loopback`: other requests get 403.
   */
  plainHttp?: 'loopback' | 'anywhere'
  /**
   * How often in a minute one address may fail with one account before it has to wait (429); with all accounts together, five
   * times as often. An IPv6 address counts by its /64. Default 100.
   */
  maxFailuresPerMinute?: number
  /**
   * How many requests of one address (IPv6: one /64) may wait at a time: streams, long polls, and revocations with
   * `?wait=enforced`. More get 429, or are not made to wait. A cluster behind one address needs one for each gate and realm.
   * Default 500: a twentieth of the 10,000 readers that a realm takes.
   */
  maxWaitingPerAddress?: number
  /** The web origins whose scripts may read answers, such as `https://app.example`. Default: none. */
  corsOrigins?: string[]
  /**
   * What the answer to a logout has a browser clear of this origin (`Clear-Site-Data`), when a page of this or a listed origin
   * logged out. `cookies` also clears those of other hosts of the site, and `cache` can be slow. Default `storage`.
   */
  clearSiteData?: SiteData[]
  /** The names of cookies that the answer to a logout expires, such as `__Host-session`. Default: none. */
  expireCookies?: string[]
  /** A bearer credential that readers of `/metrics` must show. Default: only this machine may read them. */
  metricsCredential?: string
  /** After so many seconds without a newer acknowledgement an edge counts as silent; edges repeat theirs every 30 s. Default 60. */
  silentAfterSeconds?: number
  /** How often what has expired is forgotten. Default 60. */
  pruneIntervalSeconds?: number
  /** How long the audit log is kept, whatever becomes of the revocations it tells of. Default 31536000 (a year). */
  auditRetentionSeconds?: number
  /** The `fetch` to use for pushes and JWK sets. Default: the host's. */
  fetch?: typeof fetch
  /** Hears what an operator should know. Default: `console.warn`. */
  onReport?: (report: OriginReport) => void
  /** Hears of every answered request, for a structured log. Default: nobody does. */
  onRequest?: (answered: AnsweredRequest) => void
}

/**
 * Something an operator should hear of: once when it starts and once when it is over. `unknown_token` has no end and comes at
 * most once a minute for each realm: clients want tokens revoked that are not known here. It holds no token or secret.
 */
export interface OriginReport {
  kind: 'store' | 'push' | 'jwks' | 'acknowledgement' | 'feed' | 'unknown_token' | 'clock' | 'fault'
  realm?: string
  edge?: string
  /** `undefined`: what was wrong is over. */
  error: PortcullisError | undefined
}

/** Who does something, and when it happened by the issuer's clock. */
export interface DatedAct extends Act {
  /**
   * The event's own time, in unix seconds, where an authenticated source of the issuer states one, such as a Keycloak event or
   * the `iat` of a logout token. Recorded without `issuerSkewSeconds`, also when it lies ahead of us; more than an hour ahead
   * it is not believed, and the time of arrival is recorded. Both are reported as `clock`. Default: now, by the origin's clock.
   */
  occurredAt?: number
}

/** Where a request came from, as the server that took it knows. */
export interface RequestSource {
  /** The client's network address, such as `203.0.113.7`. Rate limits and the audit log go by it. */
  address?: string
  /**
   * `unaddressed`: it came by a connection without a network address, such as a Unix socket, and is not taken to be from this
   * machine whatever its `Host` says. Left out: by a network, or nobody knows.
   */
  connection?: 'unaddressed'
}

/** Where in the ledger a revocation stands: every edge at this sequence or beyond enforces it. */
export interface Recorded {
  realm: string
  sequence: number
}

/**
 * A mistaken value, and what it should be: without `notBefore`, or with `minimum` 0, there is none any more. For a key the ban
 * is lifted. `notBefore` is in unix seconds.
 */
export type Correction =
  | { kind: 'session'; session: string; notBefore?: number }
  | { kind: 'clientSession'; session: string; authorizedParty: string; notBefore?: number }
  | { kind: 'user'; subject: string; notBefore?: number }
  | { kind: 'client'; client: string; notBefore?: number }
  | { kind: 'realm'; notBefore?: number }
  /** `thumbprint` is that of RFC 7638. */
  | { kind: 'keyBanned'; thumbprint: string }
  | { kind: 'tokenVersion'; subject: string; minimum: number }

/** Whom `Origin.refuses` is asked about: what a token says. */
export interface TokenSubject {
  subject?: string
  session?: string
  authorizedParty?: string
  clientId?: string
  tokenId?: string
  /** Unix seconds. */
  issuedAt: number
  /** Unix seconds. */
  expiresAt: number
  tokenVersion?: number
  /** What not-befores are compared with, in unix seconds: the login (`auth_time`) with `compare: 'authTime'`. Default `issuedAt`. */
  comparedAt?: number
  /** The user's last logout, as the token says, in unix seconds. Default: it says nothing. */
  lastLogoutTime?: number
}

export interface EdgeStatus {
  name: string
  /** What the edge acknowledged last; `undefined`: nothing yet. */
  sequence: number | undefined
  /** When it did, in unix seconds. */
  acknowledgedAt: number | undefined
  /** What was pushed to it last with success. It may have taken a push and yet not enforce it, so this proves nothing. */
  pushedSequence: number | undefined
  /**
   * `current`: it enforces everything. `behind`: not yet. `silent`: nothing newer was heard of it for `silentAfterSeconds`.
   * `unheard`: it has acknowledged nothing since the origin started.
   */
  state: 'current' | 'behind' | 'silent' | 'unheard'
  /** How many changes it lacks; `undefined`: unheard. */
  behindBy: number | undefined
}

/** How many of the configured edges have acknowledged a revocation. */
export interface Enforcement {
  /** Where the revocation stands in the ledger. */
  sequence: number
  enforced: number
  /** How many edges are configured. One without `ackSecret` can acknowledge nothing, and is always missing. */
  total: number
  /** Since it was asked, when the revocation was durable already. */
  elapsedMs: number
  /** The names of those that have not, or have fallen silent. */
  missing: string[]
}

export interface OriginStatus {
  realm: string
  sequence: number
  /** The hash chain at that sequence, 32 hexadecimal digits. */
  chain: string
  /** The digest of what gates must agree on with this origin, as in a gate's `status()`. */
  policy: string
  edges: EdgeStatus[]
}

/**
 * Records revocations and publishes them. Every revocation resolves only when it is durable and the origin's own gate
 * enforces it, also when it was in force already. Rejects with `unknown_realm`, `invalid_event`, `store_unavailable`,
 * `store_corrupt` or `closed`; then nothing was recorded.
 */
export interface Origin {
  /**
   * Revokes one access token. Its audience and whether it is revoked or expired are not looked at. One whose key the issuer
   * has withdrawn lately is revoked too, if it was issued before that; at most 10,000 of one key. Rejects with
   * `invalid_token`, `unexpected_token_use`, `jwks_unreachable`, or `invalid_event` (`detail: 'missing_token_id'`).
   */
  revokeToken(token: string, act?: Act): Promise<Recorded>
  /** Ends a session: tokens with this `sid` are refused. An issuer that stands beside the origin hears of it. */
  endSession(realm: string, sid: string, act?: DatedAct): Promise<Recorded>
  /** Ends one client's part in a session: tokens with this `sid` and `azp` up to now are refused; the client may come back to it. */
  endClientSession(realm: string, sid: string, azp: string, act?: DatedAct): Promise<Recorded>
  /** Logs a user out everywhere: tokens issued up to now are refused, the next login works. */
  logoutUser(realm: string, sub: string, act?: DatedAct): Promise<Recorded>
  /** The same for everybody in the realm. */
  logoutRealm(realm: string, act?: DatedAct): Promise<Recorded>
  /**
   * Refuses tokens that were issued to a client (`azp` or `client_id`) up to `notBefore`, in unix seconds; default: now. A value
   * more than `skewSeconds` ahead (milliseconds are not seconds) is replaced by now and reported as `clock`. Either `notBefore`
   * or `act.occurredAt` may be given, not both.
   */
  setClientNotBefore(realm: string, client: string, notBefore?: number, act?: DatedAct): Promise<Recorded>
  /** The same for everybody's tokens. */
  setRealmNotBefore(realm: string, notBefore?: number, act?: DatedAct): Promise<Recorded>
  /**
   * Refuses whatever a key signed, for ever. `kid` may also be the key's RFC 7638 thumbprint; the issuer may have withdrawn it
   * lately. Rejects with
   * `invalid_event`: `unknown_key`, or `last_key` (no other signing key is left that is not banned) unless `force` is `true`.
   */
  banKey(realm: string, kid: string, options?: { force?: boolean } & Act): Promise<Recorded>
  /** Refuses a user's tokens whose version is below `version`. */
  raiseTokenVersion(realm: string, sub: string, version: number, act?: Act): Promise<Recorded>
  /**
   * Replaces a mistaken not-before, version or ban, which nothing else can take back. `act.reason` is required. Gates learn of it
   * from the next manifest. A revoked token cannot be taken back, nor what an issuer has ended itself. A `notBefore` more than
   * `skewSeconds` ahead is refused with `invalid_event`: another value than the one meant would take back a revocation.
   */
  correct(realm: string, correction: Correction, act: Act & { reason: string }): Promise<Recorded>
  /**
   * Asks the issuer for its keys and records them in the feed, if they have changed; keys that it does not have leave at once.
   * Happens by itself whenever they are due (`jwksMaxAgeSeconds`), and then a key leaves only when a second poll misses it
   * too; call it when the keys have just changed. Also rejects with `jwks_unreachable` and `invalid_jwks`.
   */
  publishKeys(realm: string, act?: Act): Promise<Recorded>
  /**
   * Signs the feed by another private key from now on. First give every gate its public key too (`feed.keys`); keep the one
   * before pinned for `validForSeconds`. Start with the new one the next time. Rejects with `invalid_option` or `closed`.
   */
  rotateSigningKey(signingKey: JWK, act?: Act): Promise<void>
  /** The reason for which a token like this is refused now, exactly; for issuers, before they mint one. */
  refuses(realm: string, subject: TokenSubject): Reason | undefined
  /** The user's not-before in unix seconds; 0 when there is none. */
  userNotBefore(realm: string, sub: string): number
  /** The least version that the user's tokens must have; 0 when none was set. For issuers, which mint no lower one. */
  minimumVersion(realm: string, sub: string): number
  /**
   * Resolves as soon as all edges have acknowledged a revocation, or when `timeoutMs` (0 to 30000) is over, `signal` aborts or
   * the origin closes. Rejects with `unknown_realm`, `closed` or `invalid_option`.
   */
  enforced(recorded: Recorded, options: { timeoutMs: number; signal?: AbortSignal }): Promise<Enforcement>
  /** Whether a key is banned, by its RFC 7638 thumbprint. For issuers, which never sign with such a one again. */
  bans(realm: string, thumbprint: string): boolean
  status(): OriginStatus[]
  /** Who did what, and what was refused. */
  audit: Audit
  /** Answers the origin's routes; everything else is 404. Never rejects. */
  fetch(request: Request, source?: RequestSource): Promise<Response>
  /** Finishes what was asked for, stops pushes and streams and lets go of the store. */
  close(): Promise<void>
}
