import type { PortcullisError } from '../errors.ts'
import type { Reason } from '../reasons.ts'
import type { JWK, JWKS, TokenOptions } from '../types.ts'
import type { AnsweredRequest } from './log.ts'
import type { Audit } from './audit.ts'
import type { RevocationStore } from './store.ts'

/** One realm of an origin: whose tokens it revokes, and who may ask for it. */
export interface OriginRealm extends TokenOptions {
  /** The issuer's keys: a set, where to fetch it, or a function that gives it (asked again when a key is unknown). */
  jwks: URL | string | JWKS | (() => JWKS | Promise<JWKS>)
  /** The role in `realm_access.roles` that may administer the realm. Default `portcullis-admin`. */
  adminRole?: string
  /** How far the issuer's clock may be ahead: added to a not-before that is set 'now'. 0 if they share a clock. Default 2. */
  issuerSkewSeconds?: number
  /** The longest `exp - iat` of the realm's tokens; revocations are kept that long. Default 86400. */
  maxLifetimeSeconds?: number
  /** With `compare: 'authTime'`: the longest session; not-befores are kept that long. Default 2592000 (30 days). */
  maxSessionSeconds?: number
}

/** An edge that the origin knows by name. */
export interface EdgeOptions {
  /** Names it in reports and acknowledgements; unique. */
  name: string
  /** Where the edge takes feeds (`gate.receiveFeed`): changes are POSTed there as soon as they are durable. Default: it pulls. */
  pushUrl?: URL | string
  /** The secret with which it acknowledges what it enforces. Default: its acknowledgements are refused. */
  ackSecret?: string
}

/** An OAuth client that may revoke tokens issued to it. */
export interface ClientOptions {
  /** Its `client_id`; unique. */
  id: string
  /** Its `client_secret`. Default: the client is public and is known by its id alone. */
  secret?: string
}

/** What an origin is made with. Unknown options throw `invalid_option`. */
export interface OriginOptions {
  /** Where revocations are kept: `sqliteStore({ path })` or, for trials, `memoryStore()`. */
  store: RevocationStore
  realms: OriginRealm[]
  /** The private Ed25519 key that signs the feed (`generateFeedKey`). Secret. */
  signingKey: JWK
  /**
   * The clients that RFC 7009 revocation (`POST /realms/{realm}/protocol/openid-connect/revoke`) will authenticate. They are
   * checked and kept; this version does not serve that route yet. Default: none.
   */
  clients?: ClientOptions[]
  /** Default: none; edges pull. */
  edges?: EdgeOptions[]
  /**
   * Counts the times that the store was restored from a backup: raise it by one after each. Sequences then begin beyond all that
   * edges may have seen of what the backup has lost. Default: what the store has, 0 in a new one.
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
  /** How often one address may fail with one account before it has to wait (429). Default 100. */
  maxFailuresPerMinute?: number
  /** The web origins whose scripts may read answers, such as `https://app.example`. Default: none. */
  corsOrigins?: string[]
  /** A bearer credential that readers of `/metrics` must show. Default: only this machine may read them. */
  metricsCredential?: string
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

/** Something an operator should hear of: once when it starts and once when it is over. It holds no token or secret. */
export interface OriginReport {
  kind: 'store' | 'push' | 'jwks' | 'acknowledgement' | 'feed' | 'fault'
  realm?: string
  edge?: string
  /** `undefined`: what was wrong is over. */
  error: PortcullisError | undefined
}

/** Where a request came from, as the server that took it knows. */
export interface RequestSource {
  /** The client's network address, such as `203.0.113.7`. Rate limits and the audit log go by it. */
  address?: string
}

/** Where in the ledger a revocation stands: every edge at this sequence or beyond enforces it. */
export interface Recorded {
  realm: string
  sequence: number
}

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
}

export interface EdgeStatus {
  name: string
  /** What the edge acknowledged last; `undefined`: nothing yet. */
  sequence: number | undefined
  /** When it did, in unix seconds. */
  acknowledgedAt: number | undefined
  /** What was pushed to it last with success. */
  pushedSequence: number | undefined
}

export interface OriginStatus {
  realm: string
  sequence: number
  /** The hash chain at that sequence, 32 hexadecimal digits. */
  chain: string
  edges: EdgeStatus[]
}

/**
 * Records revocations and publishes them. Every revocation resolves only when it is durable and the origin's own gate
 * enforces it, also when it was in force already. Rejects with `unknown_realm`, `invalid_event`, `store_unavailable`,
 * `store_corrupt` or `closed`; then nothing was recorded.
 */
export interface Origin {
  /**
   * Revokes one access token. Its audience and whether it is revoked or expired are not looked at. Rejects with
   * `invalid_token`, `unexpected_token_use`, `jwks_unreachable`, or `invalid_event` (`detail: 'missing_token_id'`).
   */
  revokeToken(token: string): Promise<Recorded>
  /** Ends a session: tokens with this `sid` are refused. */
  endSession(realm: string, sid: string): Promise<Recorded>
  /** Logs a user out everywhere: tokens issued up to now are refused, the next login works. */
  logoutUser(realm: string, sub: string): Promise<Recorded>
  /** The same for everybody in the realm. */
  logoutRealm(realm: string): Promise<Recorded>
  /**
   * Refuses whatever a key signed, for ever. `kid` may also be the key's RFC 7638 thumbprint. Rejects with
   * `invalid_event`: `unknown_key`, or `last_key` (no other signing key is left that is not banned) unless `force` is `true`.
   */
  banKey(realm: string, kid: string, options?: { force?: boolean }): Promise<Recorded>
  /** Refuses a user's tokens whose version is below `version`. */
  raiseTokenVersion(realm: string, sub: string, version: number): Promise<Recorded>
  /** The reason for which a token like this is refused now, exactly; for issuers, before they mint one. */
  refuses(realm: string, subject: TokenSubject): Reason | undefined
  /** The user's not-before in unix seconds; 0 when there is none. */
  userNotBefore(realm: string, sub: string): number
  /** The least version that the user's tokens must have; 0 when none was set. For issuers, which mint no lower one. */
  minimumVersion(realm: string, sub: string): number
  status(): OriginStatus[]
  /** Who did what, and what was refused. */
  audit: Audit
  /** Answers the origin's routes; everything else is 404. Never rejects. */
  fetch(request: Request, source?: RequestSource): Promise<Response>
  /** Finishes what was asked for, stops pushes and streams and lets go of the store. */
  close(): Promise<void>
}
