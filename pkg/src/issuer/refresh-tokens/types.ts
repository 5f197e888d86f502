import type { Reason } from '../../reasons.ts'
import type { Act } from '../../origin/store/audit-entry.ts'
import type { Database } from '../../origin/store/sqlite/database.ts'
import type { Origin, OriginReport } from '../../origin/api.ts'

/** Options of the refresh-token store. Unknown options throw `invalid_option`. */
export interface RefreshTokensOptions {
  /** The SQLite file; the origin's store may be the same. This or `database` is needed. */
  path?: string
  /**
   * An open database instead (`openDatabase` of `portcullis/origin/sqlite`); it stays open and the caller closes it.
   */
  database?: Database
  /** The realm's short name. */
  realm: string
  /** The origin whose ledger they obey, and which is told of sessions that a reused token ended. */
  origin: LedgerOfSessions
  /**
   * How long a session may go unused. The ledger forgets a logout `maxLifetimeSeconds` after it, so this may not be
   * more. Allowed: 1 or more. Default 1800.
   */
  idleSeconds?: number
  /** How long a session may go on at all. Allowed: 1 or more. Default 36000. */
  maxSeconds?: number
  /**
   * How long after its use a second use of a token counts as a lost race and not as theft. 0: a second use ends the
   * session, also one at the same time. Allowed: 0 to 300. Default 0.
   */
  reuseGraceSeconds?: number
  /** Unix milliseconds; for tests. Default: the host's clock. */
  nowMs?: () => number
  /** Called when the ledger cannot be told of an ended session, and when it has been. Default: `console.warn`. */
  onReport?: (report: OriginReport) => void
}

/** The part of an `Origin` that refresh tokens use. */
export interface LedgerOfSessions extends Pick<Origin, 'refuses'> {
  endSession(realm: string, sid: string, act?: Act): Promise<unknown>
}

/** A login, as its first refresh token is remembered. */
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
   * When the user logged in, in unix seconds: the `auth_time` and `iat` of its tokens, where those were made before.
   * Default: now.
   */
  issuedAt?: number
  /** The `token_version` of its access tokens. Default 0, as for tokens without the claim. */
  tokenVersion?: number
  /** Given back at each rotation. */
  scope?: string
  /** The client's network address, for lists of sessions. */
  address?: string
}

export interface RotateRequest {
  /** The refresh token that the client presents. */
  presented: string
  /** The one that it gets instead. */
  next: string
  /** The client that presents it, authenticated. */
  client: string
  /** Unix seconds: the `iat` of `next`. Default: now. */
  issuedAt?: number
  /** The client's network address. */
  address?: string
}

/** One chain of refresh tokens: each was given for the one before. */
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

/** Why a refresh token is not good. A `Reason`: the ledger refuses it, or it has expired. */
export type RefreshRefusal = 'unknown_token' | 'other_client' | 'session_ended' | Reason

/** The outcome of presenting a refresh token. All but `rotated` are `invalid_grant` to the client (RFC 6749 §5.2). */
export type Rotation =
  /** The old token is spent and the new one is good. */
  | { outcome: 'rotated'; family: Family }
  /** It had been used before, so another party has it too: its session has ended (RFC 9700 §4.14.2). */
  | { outcome: 'reused'; family: Family; ledger: 'told' | 'to_be_told' }
  /** It was used a moment ago. The session lives. */
  | { outcome: 'lost_race'; family: Family }
  /** Nothing happened. `family`: whose it is, where that is known. */
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
  /** From where it was used last. */
  address: string | undefined
}

/** A token as stored, spent and expired ones too. */
export interface KnownRefreshToken {
  client: string
  session: string
  subject: string
}

/**
 * The refresh tokens of one realm: each is good once (RFC 9700 §2.2.2). Their text is the issuer's; nothing but its
 * hash is kept. Everything rejects or throws with `store_unavailable` or `store_corrupt` when SQLite does, and with
 * `closed`.
 */
export interface RefreshTokens {
  /**
   * Remembers the first refresh token of a login. Throws `invalid_option` for a token that is known, and for a session,
   * subject or client that the ledger could not revoke: names have 1 to 1,024 bytes of UTF-8.
   */
  begin(login: Login): void
  /** Takes a token and gives the next for it, in one transaction: of any number that try at once, one succeeds. */
  rotate(request: RotateRequest): Promise<Rotation>
  /** Whose token it is; also when it is no longer good. */
  find(token: string): KnownRefreshToken | undefined
  /** Ends a session in the ledger, then here. Rejects with the ledger's errors; then nothing has ended. */
  endSession(session: string, act?: Act): Promise<void>
  /** The ledger has ended a session: its tokens follow. */
  sessionEnded(session: string): void
  /** The sessions of a user that can be continued, oldest first. */
  sessions(subject: string): RefreshSession[]
  /** Tells the ledger of ended sessions that it lacks; returns how many still are to be told. Done at intervals too. */
  tellLedger(): Promise<number>
  /** Deletes expired families; returns how many. Done at intervals too. */
  sweep(): number
  /** Finishes rotations under way. The file stays as it is. */
  close(): Promise<void>
}
