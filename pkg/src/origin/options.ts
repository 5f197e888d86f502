import type { CorsOrigins, JWK, JWKS, TokenOptions } from '../types.ts'
import type { AnsweredRequest, OriginReport } from './api.ts'
import type { Connector } from './connectors/connector.ts'
import type { GlobalTokenRevocationOptions } from './connectors/global-revocation.ts'
import type { RevocationStore } from './store/store.ts'

/** Options of an origin. Unknown options throw `invalid_option`. */
export interface OriginOptions {
  /** Where revocations are kept: `sqliteStore({ path })` or, for trials, `memoryStore()`. */
  store: RevocationStore
  /** The issuers whose tokens are revoked. */
  realms: OriginRealm[]
  /** The private Ed25519 key that signs the feed (`generateFeedKey`). Secret. */
  signingKey: JWK
  /**
   * Who may revoke by `POST /realms/{realm}/protocol/openid-connect/revoke` (RFC 7009): `{ id, secret?, secretSha256?,
   * realms? }`; without a secret the client is public. Default: none.
   */
  clients?: ClientOptions[]
  /**
   * Connectors to the realms' identity servers, such as `keycloakConnector({ baseUrl, realm, … })`: what ends there is
   * recorded here. Default: none.
   */
  connectors?: Connector[]
  /** The edges that are pushed to, or acknowledge: `{ name, pushUrl?, ackSecret? }`. Default: none. */
  edges?: EdgeOptions[]
  /**
   * Counts the times that the store was restored from a backup. `restoreSqlite` raises it in the store; raise it by one
   * here after restoring in any other way. Sequences then begin beyond all that edges may have seen of the lost
   * history. Allowed: 0 to 8191. Default: that of the store, 0 in a new one.
   */
  incarnation?: number
  /** How often a heartbeat is sent to edges that are pushed to or stream: 1 to 5. Default 1. */
  heartbeatSeconds?: number
  /**
   * The share of good tokens refused by mistake until they are refreshed, at a full filter. Allowed: 1e-9 to 0.1.
   * Default 1e-6.
   */
  errorRate?: number
  /** How long a token is accepted after `exp` and before `nbf`. Allowed: 0 to 300. Default 5. */
  leewaySeconds?: number
  /** How far clocks may differ. Allowed: 0 to 300. Default 5. */
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
  /** A bearer credential that feed reads must show. Default: none, and the feed is public. */
  feedCredential?: string
  /** How long a push may take. Allowed: 1 to 2147483647. Default 5000. */
  pushTimeoutMs?: number
  /** How long a fetched JWK set is used before it is fetched again. Allowed: 0 or more. Default 300. */
  jwksMaxAgeSeconds?: number
  /** How long it is used at the most when it cannot be fetched again. Allowed: 0 or more. Default 3600. */
  jwksMaxStaleSeconds?: number
  /** How long fetching a JWK set may take. Allowed: 1 to 2147483647. Default 2000. */
  jwksTimeoutMs?: number
  /**
   * Where `http:` will do, for requests, pushes and JWK sets: on this machine (`loopback`) or `anywhere`. A proxy that
   * ends TLS on another machine is named to `serve` instead (`trustedProxies`). Other requests get 403. Default
   * `loopback`.
   */
  plainHttp?: 'loopback' | 'anywhere'
  /**
   * How often in a minute one address may fail with one account before it has to wait (429); with all accounts
   * together, five times as often. An IPv6 address counts by its /64. Allowed: 1 or more. Default 100.
   */
  maxFailuresPerMinute?: number
  /**
   * How many requests of one address (IPv6: one /64) may wait at a time: streams, long polls, and revocations with
   * `?wait=enforced`. More get 429, or are not made to wait. A cluster behind one address needs one for each gate and
   * realm. Allowed: 1 or more. Default 500 (a twentieth of the 10,000 readers that a realm takes).
   */
  maxWaitingPerAddress?: number
  /**
   * The web origins whose scripts may read answers: a list of origins (`https://app.example`) and patterns with one
   * label free (`https://*.app.example`), `'*'` for any, or a function `(origin) => boolean`. Default: none.
   */
  corsOrigins?: CorsOrigins
  /**
   * Data of this origin that a browser clears after a logout (`Clear-Site-Data`), when a page of this or a listed
   * origin logged out. `cookies` also clears those of other hosts of the site, and `cache` can be slow. Default
   * `storage`.
   */
  clearSiteData?: SiteData[]
  /** The names of cookies that the answer to a logout expires, such as `__Host-session`. Default: none. */
  expireCookies?: string[]
  /** A bearer credential that readers of `/metrics` must show. Default: none, and only this machine may read them. */
  metricsCredential?: string
  /**
   * After so many seconds without a newer acknowledgement an edge counts as silent; edges repeat theirs every 30 s.
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
  /** Called with conditions for an operator, once when one begins and once when it is over. Default: `console.warn`. */
  onReport?: (report: OriginReport) => void
  /** Called after every request: time, method, route, status, milliseconds, realm, error. Default: none. */
  onRequest?: (answered: AnsweredRequest) => void
}

/** One realm of an origin: its issuer, and its administrators. */
export interface OriginRealm extends TokenOptions {
  /** The issuer's keys: a set, where to fetch it, or a function that gives it (asked again when a key is unknown). */
  jwks: URL | string | JWKS | (() => JWKS | Promise<JWKS>)
  /** The role in `realm_access.roles` that may administer the realm. Default `portcullis-admin`. */
  adminRole?: string
  /**
   * How far the issuer's clock may be ahead: added to a not-before that is set 'now'. 0 if they share a clock. A lead
   * that is measured to be greater counts instead, up to `skewSeconds`. Allowed: 0 or more. Default 2.
   */
  issuerSkewSeconds?: number
  /**
   * How far the clocks of the issuer's own nodes may differ: added to the time that an authenticated source states
   * (`occurredAt`). Allowed: 0 or more. Default 0 (one node, or nodes kept together by NTP).
   */
  sourceSkewSeconds?: number
  /**
   * The longest `exp - iat` of the realm's tokens; revocations are kept that long. Allowed: 1 to 3456000 (40 days).
   * Default 86400.
   */
  maxLifetimeSeconds?: number
  /**
   * With `compare: 'authTime'`: the longest session; not-befores are kept that long. Allowed: 1 to 3153600000 (100
   * years). Default 2592000 (30 days).
   */
  maxSessionSeconds?: number
  /**
   * Whether the feed carries the issuer's public keys: gates without a `jwks` of their own then take them from there. A
   * new key is there as soon as a gate has asked for it; one that the issuer removes leaves once two polls in a row
   * have missed it. Symmetric keys are never published. Default `publish`.
   */
  keysInFeed?: 'publish' | 'omit'
  /**
   * Operations of an issuer that runs beside the origin: list users and sessions, add and retire keys. Default: none.
   */
  administration?: IssuerAdministration
  /**
   * The callers that may revoke all tokens of a user by `POST /realms/{realm}/global-token-revocation`, for example
   * Okta: `{ secrets, callers: [{ issuer, jwks, audience, subject, untyped }], subjectsOf }`. Default: none, and the
   * route answers 404.
   */
  globalTokenRevocation?: GlobalTokenRevocationOptions
}

/** An OAuth client that may revoke tokens issued to it. */
export interface ClientOptions {
  /** Its `client_id`; unique. */
  id: string
  /** Its `client_secret`; only a hash is kept. Default: the client is public and is known by its id alone. */
  secret?: string
  /**
   * The secret's SHA-256 in hexadecimal, instead of the secret. Only for secrets that are random: those need no salt.
   */
  secretSha256?: string
  /** The realms where it may ask. Default: all. */
  realms?: string[]
}

/** An edge that the origin knows by name. */
export interface EdgeOptions {
  /** Names it in reports and acknowledgements; unique. */
  name: string
  /**
   * Where the edge takes feeds (`gate.receiveFeed`): changes are POSTed there as soon as they are durable. Default: it
   * pulls.
   */
  pushUrl?: URL | string
  /**
   * The bearer secret of its acknowledgements and of pushes to it. Default: its acknowledgements are
   * refused, and it counts as one that does not enforce; of a change longer than 64 KiB it is only told that it should
   * pull.
   */
  ackSecret?: string
}

/** Browser data to clear (W3C Clear Site Data §3.1). */
export type SiteData = 'cookies' | 'storage' | 'cache'

/** Operations of an issuer that runs beside the origin. The development issuer has all of them. */
export interface IssuerAdministration {
  users(query: IssuerUserQuery): Promise<IssuerUser[]>
  /** Sessions that are not ended; `undefined`: no such user. */
  sessions(sub: string): Promise<IssuerSession[] | undefined>
  keys(): Promise<IssuerKey[]>
  /** A new signing key; older ones still verify. */
  addKey(): Promise<IssuerKey>
  /** Takes a key that no longer signs out of the set. 'active': it still signs. */
  retireKey(kid: string): Promise<'retired' | 'unknown' | 'active'>
  /** Looks up a refresh token of this issuer, expired and used ones too. */
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
