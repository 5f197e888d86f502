import { migrate, type Database, type Row } from '../database.ts'

const SCHEMA = [
  `CREATE TABLE dev_issuer_keys (
     realm TEXT NOT NULL, kid TEXT NOT NULL, algorithm TEXT NOT NULL, private_jwk TEXT NOT NULL, created_at INTEGER NOT NULL,
     PRIMARY KEY (realm, kid)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE dev_issuer_users (
     realm TEXT NOT NULL, name TEXT NOT NULL, sub TEXT NOT NULL, password TEXT NOT NULL, roles TEXT NOT NULL, version INTEGER NOT NULL,
     PRIMARY KEY (realm, name)
   ) STRICT, WITHOUT ROWID;
   CREATE UNIQUE INDEX dev_issuer_users_sub ON dev_issuer_users (realm, sub);
   CREATE TABLE dev_issuer_sessions (
     sid TEXT PRIMARY KEY, realm TEXT NOT NULL, sub TEXT NOT NULL, client TEXT NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX dev_issuer_sessions_sub ON dev_issuer_sessions (realm, sub);
   CREATE TABLE dev_issuer_refresh_tokens (
     hash TEXT PRIMARY KEY, sid TEXT NOT NULL REFERENCES dev_issuer_sessions ON DELETE CASCADE, expires_at INTEGER NOT NULL, used_at INTEGER
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX dev_issuer_refresh_tokens_sid ON dev_issuer_refresh_tokens (sid);
   CREATE INDEX dev_issuer_refresh_tokens_expires_at ON dev_issuer_refresh_tokens (expires_at);`,
  // Keys made in the same second have an order too.
  `ALTER TABLE dev_issuer_keys ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
   UPDATE dev_issuer_keys SET number =
     (SELECT count(*) FROM dev_issuer_keys o
      WHERE o.realm = dev_issuer_keys.realm AND (o.created_at, o.kid) <= (dev_issuer_keys.created_at, dev_issuer_keys.kid));`,
]

/** A session this young may not have its first refresh token yet. */
const NEW_SESSION_SECONDS = 60

export interface User {
  sub: string
  name: string
  /** A hash, as `passwords.ts` writes it. */
  password: string
  roles: string[]
  version: number
}

export interface Session {
  sid: string
  sub: string
  client: string
  /** Unix seconds. */
  startedAt: number
}

export interface StoredKey {
  /** Its RFC 7638 thumbprint. */
  kid: string
  algorithm: string
  privateJwk: string
  /** Unix seconds. */
  createdAt: number
}

/** What using a refresh token came to. `reused`: it had been used before, so somebody else has it too. */
export type Use = { outcome: 'used'; session: Session } | { outcome: 'reused'; sid: string } | { outcome: 'refused' }

/** The development issuer's own tables. */
export interface Tables {
  /** Newest first. */
  keys(): StoredKey[]
  addKey(key: StoredKey): void
  removeKey(kid: string): void
  /** By name; `search` is a part of it, without regard to case. */
  users(search: string | undefined, first: number, max: number): User[]
  user(name: string): User | undefined
  userBySub(sub: string): User | undefined
  addUser(user: User): void
  /** Starts a session and forgets those that nobody can continue. */
  addSession(session: Session): void
  /** Those of a user that can be continued. */
  sessions(sub: string, now: number): (Session & { lastAccess: number })[]
  endSession(sid: string, now: number): void
  addRefreshToken(hash: string, sid: string, expiresAt: number): void
  /** Uses a refresh token up: of any number that try at once, one succeeds. */
  useRefreshToken(hash: string, now: number): Use
}

export function openTables(database: Database, realm: string): Tables {
  migrate(database, 'dev-issuer', SCHEMA)
  const keys = database.prepare('SELECT * FROM dev_issuer_keys WHERE realm = ? ORDER BY number DESC')
  const addKey = database.prepare(
    `INSERT INTO dev_issuer_keys
     SELECT ?, ?, ?, ?, ?, coalesce(max(number), 0) + 1 FROM dev_issuer_keys WHERE realm = ?`,
  )
  const removeKey = database.prepare('DELETE FROM dev_issuer_keys WHERE realm = ? AND kid = ?')
  const users = database.prepare(
    `SELECT * FROM dev_issuer_users WHERE realm = ? AND instr(lower(name), lower(?)) > 0 ORDER BY name LIMIT ? OFFSET ?`,
  )
  const byName = database.prepare('SELECT * FROM dev_issuer_users WHERE realm = ? AND name = ?')
  const bySub = database.prepare('SELECT * FROM dev_issuer_users WHERE realm = ? AND sub = ?')
  const addUser = database.prepare('INSERT OR IGNORE INTO dev_issuer_users VALUES (?, ?, ?, ?, ?, ?)')
  const addSession = database.prepare('INSERT INTO dev_issuer_sessions VALUES (?, ?, ?, ?, ?, NULL)')
  const sessions = database.prepare(
    `SELECT s.*, max(coalesce(t.used_at, s.started_at)) AS last_access
     FROM dev_issuer_sessions s JOIN dev_issuer_refresh_tokens t USING (sid)
     WHERE s.realm = ? AND s.sub = ? AND s.ended_at IS NULL AND t.expires_at >= ? GROUP BY s.sid ORDER BY s.started_at`,
  )
  const endSession = database.prepare('UPDATE dev_issuer_sessions SET ended_at = ? WHERE sid = ? AND realm = ? AND ended_at IS NULL')
  const forgetTokens = database.prepare('DELETE FROM dev_issuer_refresh_tokens WHERE expires_at < ?')
  const forgetSessions = database.prepare(
    'DELETE FROM dev_issuer_sessions WHERE started_at < ? AND sid NOT IN (SELECT sid FROM dev_issuer_refresh_tokens)',
  )
  const addToken = database.prepare('INSERT INTO dev_issuer_refresh_tokens VALUES (?, ?, ?, NULL)')
  const token = database.prepare(
    `SELECT t.expires_at, t.used_at, s.sid, s.sub, s.client, s.started_at, s.ended_at
     FROM dev_issuer_refresh_tokens t JOIN dev_issuer_sessions s USING (sid) WHERE t.hash = ? AND s.realm = ?`,
  )
  const markUsed = database.prepare('UPDATE dev_issuer_refresh_tokens SET used_at = ? WHERE hash = ?')
  return {
    keys: () =>
      keys
        .all(realm)
        .map((row) => ({
          kid: string(row, 'kid'),
          algorithm: string(row, 'algorithm'),
          privateJwk: string(row, 'private_jwk'),
          createdAt: number(row, 'created_at'),
        })),
    addKey: (key) => void addKey.run(realm, key.kid, key.algorithm, key.privateJwk, key.createdAt, realm),
    removeKey: (kid) => void removeKey.run(realm, kid),
    users: (search = '', first, max) => users.all(realm, search, max, first).map(userOf),
    user: (name) => found(byName.get(realm, name)),
    userBySub: (sub) => found(bySub.get(realm, sub)),
    addUser: (user) => void addUser.run(realm, user.name, user.sub, user.password, JSON.stringify(user.roles), user.version),
    addSession(session) {
      database.transaction(() => {
        forgetTokens.run(session.startedAt)
        forgetSessions.run(session.startedAt - NEW_SESSION_SECONDS)
        addSession.run(session.sid, realm, session.sub, session.client, session.startedAt)
      })
    },
    sessions: (sub, now) =>
      sessions.all(realm, sub, now).map((row) => ({
        sid: string(row, 'sid'),
        sub,
        client: string(row, 'client'),
        startedAt: number(row, 'started_at'),
        lastAccess: number(row, 'last_access'),
      })),
    endSession: (sid, now) => void endSession.run(now, sid, realm),
    addRefreshToken: (hash, sid, expiresAt) => void addToken.run(hash, sid, expiresAt),
    useRefreshToken: (hash, now) =>
      database.transaction((): Use => {
        const row = token.get(hash, realm)
        if (row === undefined || number(row, 'expires_at') < now || row['ended_at'] !== null) return { outcome: 'refused' }
        if (row['used_at'] !== null) return { outcome: 'reused', sid: string(row, 'sid') }
        markUsed.run(now, hash)
        const session = {
          sid: string(row, 'sid'),
          sub: string(row, 'sub'),
          client: string(row, 'client'),
          startedAt: number(row, 'started_at'),
        }
        return { outcome: 'used', session }
      }),
  }
}

function found(row: Row | undefined): User | undefined {
  return row === undefined ? undefined : userOf(row)
}

function userOf(row: Row): User {
  return {
    sub: string(row, 'sub'),
    name: string(row, 'name'),
    password: string(row, 'password'),
    roles: JSON.parse(string(row, 'roles')) as string[],
    version: number(row, 'version'),
  }
}

function string(row: Row, column: string): string {
  return String(row[column])
}

function number(row: Row, column: string): number {
  return Number(row[column])
}
