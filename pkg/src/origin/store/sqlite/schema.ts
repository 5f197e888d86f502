import { checkedVersion, type Database, migrate } from './database.ts'

/** Creates the tables of a store or brings them up to date. Throws `store_newer`. */
export function migrateStore(database: Database): void {
  migrate(database, 'revocations', REVOCATIONS)
  // A component of its own, so that a version of the package from before connectors can also open the file.
  migrate(database, 'connectors', CONNECTORS)
}

/** Returns the version of the tables with the revocations; 0 if they do not exist. Throws `store_newer`. */
export function storedVersion(database: Database): number {
  const schema = database
    .prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'portcullis_schema'")
    .get()
  if (schema === undefined) return 0
  const version = checkedVersion(database, 'revocations', REVOCATIONS)
  checkedVersion(database, 'connectors', CONNECTORS)
  return version
}

/** One step for each version. */
const REVOCATIONS: readonly string[] = [
  `CREATE TABLE revocation_heads (
     realm TEXT PRIMARY KEY, issuer TEXT NOT NULL, incarnation INTEGER NOT NULL, sequence INTEGER NOT NULL,
     chain BLOB NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE revocation_rows (
     realm TEXT NOT NULL, sequence INTEGER NOT NULL, keep_until INTEGER, payload BLOB NOT NULL, chain BLOB NOT NULL,
     PRIMARY KEY (realm, sequence)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX revocation_rows_keep_until ON revocation_rows (keep_until) WHERE keep_until IS NOT NULL;`,

  // Every index ends in the time and (added by SQLite) the id, so that each kind of query reads its lines in order.
  `CREATE TABLE audit_entries (
     id INTEGER PRIMARY KEY AUTOINCREMENT, realm TEXT NOT NULL, at INTEGER NOT NULL, action TEXT NOT NULL,
     actor TEXT, subject TEXT, sequence INTEGER, reason TEXT, address TEXT, detail TEXT
   ) STRICT;
   CREATE INDEX audit_entries_at ON audit_entries (at);
   CREATE INDEX audit_entries_realm ON audit_entries (realm, at);
   CREATE INDEX audit_entries_action ON audit_entries (realm, action, at);
   CREATE INDEX audit_entries_actor ON audit_entries (realm, actor, at) WHERE actor IS NOT NULL;
   CREATE INDEX audit_entries_subject ON audit_entries (realm, subject, at) WHERE subject IS NOT NULL;`,
]

const CONNECTORS: readonly string[] = [
  `CREATE TABLE connector_states (
     realm TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, value BLOB NOT NULL, PRIMARY KEY (realm, name)
   ) STRICT;
   CREATE TABLE outbox_entries (
     id INTEGER PRIMARY KEY AUTOINCREMENT, realm TEXT NOT NULL, queue TEXT NOT NULL, at INTEGER NOT NULL,
     due_at INTEGER NOT NULL, attempts INTEGER NOT NULL, payload BLOB NOT NULL
   ) STRICT;
   CREATE INDEX outbox_entries_queue ON outbox_entries (realm, queue, id, due_at);`,
]
