import type { CorsOrigins, JWK, JWKS, TokenOptions } from '../types.ts'
import type { AnsweredRequest, OriginReport } from './api.ts'
import type { Connector } from './connectors/connector.ts'
import type { GlobalTokenRevocationOptions } from './connectors/global-revocation.ts'
import type { RevocationStore } from './store/store.ts'

/** Options of an origin. Unknown options throw `invalid_option`. */
export interface OriginOptions {
  /** The store of the revocations: `sqliteStore({ path })` or, for trials, `memoryStore()`. */
  store: RevocationStore
  /** The issuers whose tokens are revoked. */
  realms: OriginRealm[]
  /** The private Ed25519 key that signs the feed (`generateFeedKey`). Secret. */
  signingKey: JWK
  /**
   * The clients that may revoke by `POST /realms/{realm}/protocol/openid-connect/revoke` (RFC 7009): `{ id, secret?,
   * secretSha256?, realms? }`; without a secret the client is public. Default: none.
   */
  clients?: ClientOptions[]
  /**
   * Connectors to the realms' identity servers, such as `keycloakConnector({ baseUrl, realm, … })`, which record what
   * ends there. Default: none.
   */
  connectors?: Connector[]
  /** The edges that receive pushes or acknowledge: `{ name, pushUrl?, ackSecret? }`. Default: none. */
  edges?: EdgeOptions[]
  /**
   * Counts the restores of the store from a backup. `restoreSqlite` raises it in the store; after restoring in any
   * other way, raise it here by one. Sequences then begin beyond all that edges may have seen of the lost history.
   * Allowed: 0 to 8191. Default: that of the store, 0 in a new one.
   */
  incarnation?: number
  /** How often a heartbeat is sent to edges that receive pushes or stream: 1 to 5. Default 1. */
  heartbeatSeconds?: number
  /**
   * The share of valid tokens refused by mistake until they are refreshed, when a filter is full. Allowed: 1e-9 to 0.1.
   * Default 1e-6.
   */
  errorRate?: number
  /** How long a token is accepted after `exp` and before `nbf`. Allowed: 0 to 300. Default 5. */
  leewaySeconds?: number
  /** The maximum difference between clocks. Allowed: 0 to 300. Default 5. */
  skewSeconds?: number
  /**
   * How long a signed statement of the feed is valid. Allowed: 1 to 4294967295, and not less than `heartbeatSeconds`.
   * Default 300.
   */
  validForSeconds?: number
  /** The largest request body read. Allowed: 1024 or more. Default 65536. */
  maxBodyBytes?: number
  /** The longest token read, in bytes. Allowed: 1024 to 1048576. Default 16384. */
  maxTokenBytes?: number
  /** A bearer credential that feed readers must present. Default: none, and the feed is public. */
  feedCredential?: string
  /** How long a push may take. Allowed: 1 to 2147483647. Default 5000. */
  pushTimeoutMs?: number
  /** How long a fetched JWK set is used before it is fetched again. Allowed: 0 or more. Default 300. */
  jwksMaxAgeSeconds?: number
  /** How long it may be used if it cannot be fetched again. Allowed: 0 or more. Default 3600. */
  jwksMaxStaleSeconds?: number
  /** The time limit of fetching a JWK set. Allowed: 1 to 2147483647. Default 2000. */
  jwksTimeoutMs?: number
  /**
   * Where `http:` is allowed for requests, pushes and JWK sets: on this machine (`loopback`) or `anywhere`. If a proxy
   * on another machine terminates TLS, name it to `serve` instead (`trustedProxies`). Other requests get 403. Default
   * `loopback`.
   */
  plainHttp?: 'loopback' | 'anywhere'
  /**
   * How many failures per minute one address may have with one account before it must wait (429); with all accounts
   * together, five times as many. An IPv6 address counts by its /64. Allowed: 1 or more. Default 100.
   */
  maxFailuresPerMinute?: number
  /**
   * How many requests of one address (IPv6: one /64) may wait at a time: streams, long polls, and revocations with
   * `?wait=enforced`. Further ones get 429, or an immediate response. A cluster behind one address needs one for each
   * gate and realm. Allowed: 1 or more. Default 500 (a twentieth of the 10,000 readers that a realm allows).
   */
  maxWaitingPerAddress?: number
  /**
   * The web origins whose scripts may read responses: a list of origins (`https://app.example`) and patterns with a
   * wildcard label (`https://*.app.example`), `'*'` for any, or a function `(origin) => boolean`. Default: none.
   */
  corsOrigins?: CorsOrigins
  /**
   * The data of this origin that a browser clears after a logout (`Clear-Site-Data`), if a page of this or a listed
   * origin logged out. `cookies` also clears those of other hosts of the site, and `cache` can be slow. Default
   * `storage`.
   */
  clearSiteData?: SiteData[]
  /** The names of cookies that the response to a logout expires, such as `__Host-session`. Default: none. */
  expireCookies?: string[]
  /**
   * A bearer credential that readers of `/metrics` must present. Default: none, and only this machine may read them.
   */
  metricsCredential?: string
  /**
   * The time without a newer acknowledgement after which an edge counts as silent; edges repeat theirs every 30 s.
   * Allowed: 1 or more. Default 60.
   */
  silentAfterSeconds?: number
  /** How often expired records are deleted. Allowed: 1 to 86400. Default 60. */
  pruneIntervalSeconds?: number
  /**
   * How long the audit log is kept, independently of the revocations in it. Allowed: 1 or more. Default 31536000 (a
   * year).
   */
  auditRetentionSeconds?: number
  /** The `fetch` to use for pushes and JWK sets. Default: the host's. */
  fetch?: typeof fetch
  /** Called with conditions for an operator, once when one begins and once when it ends. Default: `console.warn`. */
  onReport?: (report: OriginReport) => void
  /** Called after every request: time, method, route, status, milliseconds, realm, error. Default: none. */
  onRequest?: (answered: AnsweredRequest) => void
}

/** One realm of an origin: its issuer, and its administrators. */
export interface OriginRealm extends TokenOptions {
  /** The issuer's keys: a set, its URL, or a function that returns it (called again when a key is unknown). */
  jwks: URL | string | JWKS | (() => JWKS | Promise<JWKS>)
  /** The role in `realm_access.roles` that allows administering the realm. Default `portcullis-admin`. */
  adminRole?: string
  /**
   * How far the issuer's clock may be ahead: added to a not-before that is set to now. 0 if they share a clock. A
   * greater measured lead is used instead, up to `skewSeconds`. Allowed: 0 or more. Default 2.
   */
  issuerSkewSeconds?: number
  /**
   * The maximum difference between the clocks of the issuer's own nodes: added to the time that an authenticated source
   * states (`occurredAt`). Allowed: 0 or more. Default 0 (one node, or nodes synchronised by NTP).
   */
  sourceSkewSeconds?: number
  /**
   * The longest `exp - iat` of the realm's tokens; revocations are kept for as long. Allowed: 1 to 3456000 (40 days).
   * Default 86400.
   */
  maxLifetimeSeconds?: number
  /**
   * With `compare: 'authTime'`: the longest session; not-befores are kept for as long. Allowed: 1 to 3153600000 (100
   * years). Default 2592000 (30 days).
   */
  maxSessionSeconds?: number
  /**
   * Whether the feed carries the issuer's public keys, for gates without a `jwks` of their own. A new key is there as
   * soon as a gate has requested it; one that the issuer removes leaves after two consecutive polls without it.
   * Symmetric keys are never published. Default `publish`.
   */
  keysInFeed?: 'publish' | 'omit'
  /**
   * Operations of an issuer that runs beside the origin: list users and sessions, add and retire keys. Default: none.
   */
  administration?: IssuerAdministration
  /**
   * The callers that may revoke all tokens of a user by `POST /realms/{realm}/global-token-revocation`, for example
   * Okta: `{ secrets, callers: [{ issuer, jwks, audience, subject, untyped }], subjectsOf }`. Default: none, and the
   * route responds with 404.
   */
  globalTokenRevocation?: GlobalTokenRevocationOptions
}

/** An OAuth client that may revoke tokens issued to it. */
export interface ClientOptions {
  /** Its `client_id`; unique. */
  id: string
  /** Its `client_secret`; only a hash is kept. Default: the client is public and is known by its id alone. */
  secret?: string
  /** The secret's SHA-256 in hexadecimal, instead of the secret. Only for random secrets: those need no salt. */
  secretSha256?: string
  /** The realms in which it may revoke. Default: all. */
  realms?: string[]
}

/** An edge known by name. */
export interface EdgeOptions {
  /** Identifies it in reports and acknowledgements; unique. */
  name: string
  /**
   * The URL at which the edge receives feeds (`gate.receiveFeed`): changes are POSTed there as soon as they are
   * durable. Default: it pulls.
   */
  pushUrl?: URL | string
  /**
   * The bearer secret of its acknowledgements and of pushes to it. Default: its acknowledgements are refused, and it
   * never counts as enforcing; a push longer than 64 KiB is replaced by a hint to pull.
   */
  ackSecret?: string
}

/** Browser data to clear (W3C Clear Site Data §3.1). */
export type SiteData = 'cookies' | 'storage' | 'cache'

/** Operations of an issuer that runs beside the origin. The development issuer has all of them. */
export interface IssuerAdministration {
  users(query: IssuerUserQuery): Promise<IssuerUser[]>
  /** Returns the user's active sessions, or `undefined` for an unknown user. */
  sessions(sub: string): Promise<IssuerSession[] | undefined>
  keys(): Promise<IssuerKey[]>
  /** Creates a signing key; older ones still verify. */
  addKey(): Promise<IssuerKey>
  /** Removes a key that no longer signs from the set. Resolves to `active` if it still signs. */
  retireKey(kid: string): Promise<'retired' | 'unknown' | 'active'>
  /** Looks up a refresh token of this issuer, even if it has expired or been used. */
  refreshToken(token: string): Promise<IssuerRefreshToken | undefined>
  /**
   * Called after the ledger has ended the session, so that the issuer ends its refresh tokens and its own record of it.
   */
  sessionEnded(sid: string): Promise<void>
}

export interface IssuerUserQuery {
  /** A part of the user name. Default: all users. */
  search?: string
  /** The number of users to skip. */
  first: number
  /** The maximum number of users. */
  max: number
}

/** A user in the form of Keycloak's Admin API; `id` is the `sub`. */
export interface IssuerUser {
  id: string
  username: string
  roles?: string[]
}

/** A session in the form of Keycloak's Admin API, with times in unix seconds; `id` is the `sid`. */
export interface IssuerSession {
  id: string
  userId: string
  username: string
  start: number
  lastAccess: number
  clients: string[]
  ipAddress?: string
}

/** `ACTIVE`: signs; `PASSIVE`: only verifies; `DISABLED`: banned. */
export interface IssuerKey {
  kid: string
  /** The RFC 7638 thumbprint. */
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
