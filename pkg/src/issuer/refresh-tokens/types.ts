import type { Reason } from '../../reasons.ts'
import type { Act } from '../../origin/store/audit-entry.ts'
import type { Database } from '../../origin/store/sqlite/database.ts'
import type { Origin, OriginReport } from '../../origin/api.ts'

/** Options of the refresh-token store. Unknown options throw `invalid_option`. */
export interface RefreshTokensOptions {
  /** The SQLite file; the origin's store may be the same. This or `database` is required. */
  path?: string
  /**
   * An open database to use instead (`openDatabase` of `portcullis/origin/sqlite`); it stays open and the caller closes
   * it.
   */
  database?: Database
  /** The realm's short name. */
  realm: string
  /** The origin whose ledger they follow, and to which sessions ended by a reused token are reported. */
  origin: LedgerOfSessions
  /**
   * Maximum time without use of a session. The ledger drops a logout `maxLifetimeSeconds` after it, so this may not be
   * longer. Allowed: 1 or more. Default 1800.
   */
  idleSeconds?: number
  /** Maximum duration of a session. Allowed: 1 or more. Default 36000. */
  maxSeconds?: number
  /**
   * Time after its use within which a second use of a token counts as a lost race and not as theft. 0: a second use
   * ends the session, even a concurrent one. Allowed: 0 to 300. Default 0.
   */
  reuseGraceSeconds?: number
  /** Unix milliseconds; for tests. Default: the host's clock. */
  nowMs?: () => number
  /**
   * Called when an ended session cannot be reported to the ledger, and when that works again. Default: `console.warn`.
   */
  onReport?: (report: OriginReport) => void
}

/** The part of an `Origin` that refresh tokens use. */
export interface LedgerOfSessions extends Pick<Origin, 'refuses'> {
  endSession(realm: string, sid: string, act?: Act): Promise<unknown>
}

/** A login, stored with its first refresh token. */
export interface Login {
  /** Its `sid`. */
  session: string
  /** Its `sub`. */
  subject: string
  /** The `client_id` that the token is for. */
  client: string
  /** The first refresh token. Only its SHA-256 is stored. */
  token: string
  /**
   * When the user logged in, in unix seconds: the `auth_time` and `iat` of its tokens, if those were created earlier.
   * Default: now.
   */
  issuedAt?: number
  /** The `token_version` of its access tokens. Default 0, as for tokens without the claim. */
  tokenVersion?: number
  /** Returned at each rotation. */
  scope?: string
  /** The client's network address, for lists of sessions. */
  address?: string
}

export interface RotateRequest {
  /** The refresh token that the client presents. */
  presented: string
  /** The token that replaces it. */
  next: string
  /** The authenticated client that presents it. */
  client: string
  /** Unix seconds: the `iat` of `next`. Default: now. */
  issuedAt?: number
  /** The client's network address. */
  address?: string
}

/** A chain of refresh tokens, each issued for the previous one. */
export interface Family {
  session: string
  subject: string
  client: string
  /** When its user logged in, in unix seconds. */
  startedAt: number
  /** Unix seconds; 36000 after the login by default. */
  endsAt: number
  tokenVersion: number
  scope: string | undefined
}

/** Why a refresh token is not valid. A `Reason`: the ledger refuses it, or it has expired. */
export type RefreshRefusal = 'unknown_token' | 'other_client' | 'session_ended' | Reason

/** The outcome of presenting a refresh token. All but `rotated` are `invalid_grant` to the client (RFC 6749 §5.2). */
export type Rotation =
  /** The old token is spent and the new one is valid. */
  | { outcome: 'rotated'; family: Family }
  /** It had already been used, so another party has it too: its session has ended (RFC 9700 §4.14.2). */
  | { outcome: 'reused'; family: Family; ledger: 'told' | 'to_be_told' }
  /** It was used a moment ago. The session continues. */
  | { outcome: 'lost_race'; family: Family }
  /** Nothing happened. `family`: its family, if known. */
  | { outcome: 'refused'; reason: RefreshRefusal; family: Family | undefined }

/** A session that can be continued. */
export interface RefreshSession {
  session: string
  subject: string
  clients: string[]
  /** Unix seconds. */
  startedAt: number
  /** Unix seconds. */
  lastUsedAt: number
  /** The address of the last use. */
  address: string | undefined
}

/** A token as stored, including spent and expired ones. */
export interface KnownRefreshToken {
  client: string
  session: string
  subject: string
}

/**
 * The refresh tokens of one realm: each is valid once (RFC 9700 §2.2.2). The issuer chooses the strings; only their
 * hashes are stored. All methods reject or throw with `store_unavailable` or `store_corrupt` when SQLite does, and with
 * `closed`.
 */
export interface RefreshTokens {
  /**
   * Stores the first refresh token of a login. Throws `invalid_option` for a known token, and for a session, subject or
   * client that the ledger could not revoke: names have 1 to 1,024 bytes of UTF-8.
   */
  begin(login: Login): void
  /** Spends a token and stores the next one, in one transaction: of several concurrent calls, one succeeds. */
  rotate(request: RotateRequest): Promise<Rotation>
  /** Returns the family of a token, even if the token is no longer valid. */
  find(token: string): KnownRefreshToken | undefined
  /** Ends a session in the ledger, then here. Rejects with the ledger's errors; then nothing has ended. */
  endSession(session: string, act?: Act): Promise<void>
  /** Must be called when the ledger has ended a session: its tokens end too. */
  sessionEnded(session: string): void
  /** Returns the sessions of a user that can be continued, oldest first. */
  sessions(subject: string): RefreshSession[]
  /** Reports ended sessions that the ledger lacks; returns how many remain. Also done at intervals. */
  tellLedger(): Promise<number>
  /** Deletes expired families; returns how many. Also done at intervals. */
  sweep(): number
  /** Finishes running rotations. The file is kept. */
  close(): Promise<void>
}
