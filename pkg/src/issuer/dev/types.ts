import type { Algorithm } from '../../types.ts'
import type { Database } from '../../origin/store/sqlite/database.ts'
import type { ClientOptions, OriginRealm, SiteData } from '../../origin/options.ts'
import type { Origin, RequestSource } from '../../origin/api.ts'
import type { LedgerOfSessions } from '../refresh-tokens/index.ts'

/** A user of the development issuer. */
export interface DevUser {
  name: string
  /** Stored as a scrypt hash. Default `<name>-password`. */
  password?: string
  /** Realm roles. Default: none. */
  roles?: string[]
}

/** A client of the development issuer. */
export interface DevClient {
  id: string
  /** Default: the client is public. */
  secret?: string
  /** Lifetime of its access tokens. Default: the issuer's. */
  accessTokenSeconds?: number
  /**
   * Where its refresh tokens are: in the response's `body`, or in a `cookie` that scripts cannot read and pages of
   * other origins cannot use. Default `body`.
   */
  refreshTokenIn?: 'body' | 'cookie'
  /** URLs to which it may send browsers after a logout, compared exactly. Default: none. */
  postLogoutRedirectUris?: string[]
}

export type DevAlgorithm = Extract<Algorithm, 'RS256' | 'PS256' | 'ES256' | 'EdDSA'>

/** Options of a development issuer. Unknown options throw `invalid_option`. */
export interface DevIssuerOptions {
  /** The SQLite file: the same as the origin's store. This or `database` is required. */
  path?: string
  /** An open database to use instead; it stays open and the caller closes it. */
  database?: Database
  /** Its `iss`, as browsers and edges reach it: it must end with `/realms/{realm}`. */
  issuer: URL | string
  /** Default `acme`. */
  realm?: string
  /** The `aud` of access tokens. Default `api`. */
  audience?: string
  /**
   * The signature algorithm. Default `RS256`. After a change the old key stays in the set, so that its tokens still
   * verify.
   */
  algorithm?: DevAlgorithm
  /** Default 300. */
  accessTokenSeconds?: number
  /** Maximum time without use of a session. Default 1800. */
  refreshTokenSeconds?: number
  /** Maximum duration of a session. Default 36000. */
  sessionSeconds?: number
  /**
   * Time after its use within which a second use of a refresh token counts as a lost race and not as theft. Default 0.
   */
  reuseGraceSeconds?: number
  /** Maximum failures per minute of one address with one user or client, as in the origin's options. Default 100. */
  maxFailuresPerMinute?: number
  /** The web origins whose scripts may read responses, such as `https://app.example`. Default: none. */
  corsOrigins?: string[]
  /** Data of this origin that the browser clears after a logout, as in the origin's options. Default `storage`. */
  clearSiteData?: SiteData[]
  /** Sources of requests by `http:`: this machine (`loopback`) or `anywhere`. Default `loopback`. */
  plainHttp?: 'loopback' | 'anywhere'
  /**
   * Created if missing; stored values take precedence. Default: `alice`, `bob`, and `admin` with `portcullis-admin`.
   */
  users?: DevUser[]
  /** Default: `demo`, public, and `backend` with secret `backend-secret`. */
  clients?: DevClient[]
}

/**
 * An issuer for development, demos and tests, with Keycloak's routes. Its passwords are well known: never expose it to
 * others. It follows the ledger of the origin to which it is attached.
 */
export interface DevIssuer {
  /** For `createOrigin({ realms: [issuer.realm] })`. */
  readonly realm: OriginRealm
  /** For `createOrigin({ clients: issuer.clients })`: its clients may then revoke their tokens. */
  readonly clients: ClientOptions[]
  /** Attaches the origin whose ledger it follows. Required before it serves. */
  attach(origin: LedgerView): void
  /** Handles its own routes; resolves to `undefined` for all others. Never rejects. */
  fetch(request: Request, source?: RequestSource): Promise<Response | undefined>
  /** Finishes running requests. Must be closed before its origin. */
  close(): Promise<void>
}

/** The part of the origin that the issuer uses: its ledger, which knows who is logged out. */
export interface LedgerView
  extends Pick<
      Origin,
      'audit' | 'bans' | 'keyNotBefore' | 'minimumVersion' | 'publishKeys' | 'refuses' | 'status' | 'userNotBefore'
    >,
    LedgerOfSessions {}
