import { migrate, type Database, type Row } from '../../origin/store/sqlite/database.ts'
import { migrateRefreshTokens } from '../refresh-tokens/tables.ts'

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
  // Keys created in the same second get an order. Sessions move to the refresh-token library, which uses the same
  // hashes. The lifetime of a token is unknown: its issue time is assumed to be the default 1800 s before it expires.
  `ALTER TABLE dev_issuer_keys ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
   UPDATE dev_issuer_keys SET number =
     (SELECT count(*) FROM dev_issuer_keys o
      WHERE o.realm = dev_issuer_keys.realm AND (o.created_at, o.kid) <= (dev_issuer_keys.created_at, dev_issuer_keys.kid));
   INSERT INTO refresh_families (realm, session, subject, client, started_at, last_used_at, ended_at)
     SELECT s.realm, s.sid, s.sub, s.client, s.started_at, max(t.expires_at) - 1800, s.ended_at
     FROM dev_issuer_sessions s JOIN dev_issuer_refresh_tokens t USING (sid) GROUP BY s.sid;
   INSERT INTO refresh_tokens (hash, family, issued_at, used_at_ms)
     SELECT t.hash, f.id, t.expires_at - 1800, t.used_at * 1000
     FROM dev_issuer_refresh_tokens t JOIN dev_issuer_sessions s USING (sid)
     JOIN refresh_families f ON f.realm = s.realm AND f.session = s.sid;
   DROP TABLE dev_issuer_refresh_tokens;
   DROP TABLE dev_issuer_sessions;`,
]

export interface User {
  sub: string
  name: string
  /** A hash, as written by `passwords.ts`. */
  password: string
  roles: string[]
  version: number
}

export interface StoredKey {
  /** Its RFC 7638 thumbprint. */
  kid: string
  algorithm: string
  privateJwk: string
  /** Unix seconds. */
  createdAt: number
}

/** The development issuer's own tables. */
export interface Tables {
  /** Newest first. */
  keys(): StoredKey[]
  addKey(key: StoredKey): void
  removeKey(kid: string): void
  /** By name; `search` is a substring, ignoring case. */
  users(search: string | undefined, first: number, max: number): User[]
  user(name: string): User | undefined
  userBySub(sub: string): User | undefined
  addUser(user: User): void
}

export function openTables(database: Database, realm: string): Tables {
  migrateRefreshTokens(database)
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
  return {
    keys: () =>
      keys.all(realm).map((row) => ({
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
    addUser: (user) =>
      void addUser.run(realm, user.name, user.sub, user.password, JSON.stringify(user.roles), user.version),
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
