import { castTextOf, migrate, type Database, type Row } from '../../origin/store/sqlite/database.ts'
import type { Family, Login, RefreshSession } from './types.ts'

const SCHEMA = [
  `CREATE TABLE refresh_families (
     id INTEGER PRIMARY KEY, realm TEXT NOT NULL, session TEXT NOT NULL, subject TEXT NOT NULL, client TEXT NOT NULL,
     token_version INTEGER NOT NULL DEFAULT 0, scope TEXT, address TEXT,
     started_at INTEGER NOT NULL, last_used_at INTEGER NOT NULL, ended_at INTEGER,
     ledger TEXT NOT NULL DEFAULT 'told' CHECK (ledger IN ('told', 'to_be_told'))
   ) STRICT;
   CREATE INDEX refresh_families_session ON refresh_families (realm, session);
   CREATE INDEX refresh_families_subject ON refresh_families (realm, subject);
   CREATE INDEX refresh_families_started_at ON refresh_families (realm, started_at);
   CREATE INDEX refresh_families_last_used_at ON refresh_families (realm, last_used_at);
   CREATE INDEX refresh_families_to_be_told ON refresh_families (realm) WHERE ledger = 'to_be_told';
   CREATE TABLE refresh_tokens (
     hash TEXT PRIMARY KEY, family INTEGER NOT NULL REFERENCES refresh_families ON DELETE CASCADE,
     issued_at INTEGER NOT NULL, used_at_ms INTEGER
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX refresh_tokens_family ON refresh_tokens (family);`,
]

/** Columns of a family `f`; strings as `castTextOf` reads them. */
const FAMILY = `f.id, f.token_version, f.started_at, f.last_used_at, f.ended_at, ${[
  'session',
  'subject',
  'client',
  'scope',
  'address',
]
  .map((column) => `CAST(f.${column} AS BLOB) AS ${column}`)
  .join(', ')}`

/** Maximum number of families deleted at once, so that a sweep does not delay rotations. */
const SWEEP_FAMILIES = 1_000

/** A token and its family. */
export interface StoredToken {
  familyId: number
  session: string
  subject: string
  client: string
  tokenVersion: number
  scope: string | undefined
  /** Unix seconds. */
  startedAt: number
  /** Unix seconds. */
  endedAt: number | undefined
  /** Unix seconds. */
  issuedAt: number
  /** Unix milliseconds; `undefined` if it is not spent. */
  usedAtMs: number | undefined
}

/** A family and its last use. */
interface UsedFamily extends Omit<StoredToken, 'endedAt' | 'usedAtMs'> {
  /** Unix seconds. */
  lastUsedAt: number
  /** The address of the last use. */
  address: string | undefined
}

export interface TokenTables {
  token(hash: string): StoredToken | undefined
  /** Must run in a transaction of the caller. */
  addFamily(login: Login, hash: string, issuedAt: number): void
  /** Must run in a transaction of the caller. */
  replace(
    token: StoredToken,
    hash: string,
    next: { hash: string; issuedAt: number; address: string | undefined },
    nowMs: number,
  ): void
  endSession(session: string, ledger: 'told' | 'to_be_told', now: number): void
  /** Records that the ledger has the end of the session. */
  told(session: string): void
  /** Returns ended sessions that the ledger has not recorded. */
  toBeTold(): string[]
  /** Returns families that have not ended, oldest first. */
  families(subject: string, startedAfter: number, usedAfter: number): UsedFamily[]
  /** Deletes families that cannot be continued, except those yet to be reported to the ledger; returns how many. */
  sweep(startedUntil: number, usedUntil: number): number
}

/** Creates or upgrades the tables. */
export function migrateRefreshTokens(database: Database): void {
  migrate(database, 'refresh-tokens', SCHEMA)
}

export function openTokenTables(database: Database, realm: string): TokenTables {
  migrateRefreshTokens(database)
  const token = database.prepare(
    `SELECT ${FAMILY}, t.issued_at, t.used_at_ms FROM refresh_tokens t JOIN refresh_families f ON f.id = t.family
     WHERE t.hash = ? AND f.realm = ?`,
  )
  const addFamily = database.prepare(
    `INSERT INTO refresh_families (realm, session, subject, client, token_version, scope, address, started_at, last_used_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
  )
  const addToken = database.prepare('INSERT INTO refresh_tokens VALUES (?, ?, ?, NULL)')
  const spend = database.prepare('UPDATE refresh_tokens SET used_at_ms = ? WHERE hash = ?')
  const touch = database.prepare(
    'UPDATE refresh_families SET last_used_at = ?, address = coalesce(?, address) WHERE id = ?',
  )
  const end = database.prepare(
    'UPDATE refresh_families SET ended_at = ?, ledger = ? WHERE realm = ? AND session = ? AND ended_at IS NULL',
  )
  const told = database.prepare(
    `UPDATE refresh_families SET ledger = 'told' WHERE realm = ? AND session = ? AND ledger = 'to_be_told'`,
  )
  const toBeTold = database.prepare(
    `SELECT DISTINCT CAST(session AS BLOB) AS session FROM refresh_families WHERE realm = ? AND ledger = 'to_be_told'`,
  )
  const families = database.prepare(
    `SELECT ${FAMILY}, (SELECT max(issued_at) FROM refresh_tokens WHERE family = f.id) AS issued_at FROM refresh_families f
     WHERE f.realm = ? AND f.subject = ? AND f.ended_at IS NULL AND f.started_at > ? AND f.last_used_at > ? ORDER BY f.started_at, f.id`,
  )
  const sweep = database.prepare(
    `DELETE FROM refresh_families WHERE id IN (
       SELECT id FROM refresh_families WHERE realm = ? AND (started_at <= ? OR last_used_at <= ?) AND ledger = 'told' LIMIT ?)`,
  )
  return {
    token(hash) {
      const row = token.get(hash, realm)
      return row === undefined ? undefined : tokenOf(row)
    },
    addFamily(login, hash, issuedAt) {
      const { session, subject, client, tokenVersion = 0, scope = null, address = null } = login
      const row = addFamily.get(realm, session, subject, client, tokenVersion, scope, address, issuedAt, issuedAt)
      addToken.run(hash, Number(row?.['id']), issuedAt)
    },
    replace(old, hash, next, nowMs) {
      spend.run(nowMs, hash)
      addToken.run(next.hash, old.familyId, next.issuedAt)
      touch.run(Math.floor(nowMs / 1000), next.address ?? null, old.familyId)
    },
    endSession: (session, ledger, now) => void end.run(now, ledger, realm, session),
    told: (session) => void told.run(realm, session),
    toBeTold: () => toBeTold.all(realm).map((row) => castTextOf(row, 'session')),
    families: (subject, startedAfter, usedAfter) =>
      families.all(realm, subject, startedAfter, usedAfter).map(usedFamilyOf),
    sweep: (startedUntil, usedUntil) => Number(sweep.run(realm, startedUntil, usedUntil, SWEEP_FAMILIES).changes),
  }
}

/** Returns a family as the issuer sees it. */
export function familyOf(
  { session, subject, client, tokenVersion, scope, startedAt }: StoredToken,
  maxSeconds: number,
): Family {
  return { session, subject, client, tokenVersion, scope, startedAt, endsAt: startedAt + maxSeconds }
}

/** Groups families by session: a session may have several clients, each with its own family. */
export function bySession(families: readonly UsedFamily[]): RefreshSession[] {
  const sessions = new Map<string, RefreshSession>()
  for (const { session, subject, client, startedAt, lastUsedAt, address } of families) {
    const known = sessions.get(session)
    const isLater = known === undefined || lastUsedAt >= known.lastUsedAt
    sessions.set(session, {
      session,
      subject,
      clients: [...new Set([...(known?.clients ?? []), client])],
      startedAt: known?.startedAt ?? startedAt,
      lastUsedAt: isLater ? lastUsedAt : known.lastUsedAt,
      address: isLater ? address : known.address,
    })
  }
  return [...sessions.values()]
}

function usedFamilyOf(row: Row): UsedFamily {
  const address = row['address'] === null ? undefined : castTextOf(row, 'address')
  return { ...identityOf(row), lastUsedAt: number(row, 'last_used_at'), address }
}

function tokenOf(row: Row): StoredToken {
  return {
    ...identityOf(row),
    endedAt: row['ended_at'] === null ? undefined : number(row, 'ended_at'),
    usedAtMs: row['used_at_ms'] === null ? undefined : number(row, 'used_at_ms'),
  }
}

function identityOf(row: Row): Omit<StoredToken, 'endedAt' | 'usedAtMs'> {
  return {
    familyId: number(row, 'id'),
    session: castTextOf(row, 'session'),
    subject: castTextOf(row, 'subject'),
    client: castTextOf(row, 'client'),
    tokenVersion: number(row, 'token_version'),
    scope: row['scope'] === null ? undefined : castTextOf(row, 'scope'),
    startedAt: number(row, 'started_at'),
    issuedAt: number(row, 'issued_at'),
  }
}

function number(row: Row, column: string): number {
  return Number(row[column])
}
