import { PortcullisError } from '../../../errors.ts'
import { checkOptions, oneOf, required, string } from '../../../options.ts'
import type { AuditEntry } from '../audit-entry.ts'
import { backUp } from './backup.ts'
import {
  databaseFile,
  lockWriter,
  openDatabase,
  type Database,
  type SqliteDriver,
  type Statement,
  type WriterLock,
} from './database.ts'
import { SqliteOutbox } from './outbox.ts'
import { migrateStore } from './schema.ts'
import { SqliteStates } from './states.ts'
import { SqliteAudit } from './audit.ts'
import { checkPlace } from './place.ts'
import { SqliteRealms } from './realms.ts'
import type { RealmRows, RevocationStore, StoredHead } from '../store.ts'

export { openDatabase, type Database, type DatabaseOptions, type SqliteDriver } from './database.ts'
export { restoreSqlite, type Restored, type RestoreOptions } from './restore.ts'
export type { RevocationStore } from '../store.ts'

/** More bytes than a batch of revocations writes. */
const PROBE_BYTES = 65_536

export interface SqliteStoreOptions {
  /** The file. It is created if it is missing; its directory is not. It must be on a local disk (WAL mode). */
  path: string
  /** The driver. Default: `better-sqlite3` if it is installed, else `node:sqlite`. */
  driver?: SqliteDriver
}

/** A store that can be copied while it is in use. */
export interface SqliteStore extends RevocationStore {
  /**
   * Writes a consistent copy of the whole file, including the development issuer's tables, while revocations continue.
   * When it resolves, the copy is on disk. The copy contains the same data as the file, so protect it equally. Rejects
   * with `invalid_option` (the file already exists), `store_unavailable` or `closed`.
   */
  backup(path: string): Promise<void>
}

/**
 * Keeps revocations in a SQLite file. A revocation gets a response only after the write-ahead log is on disk. Throws
 * `invalid_option`; `createOrigin` opens the file and throws `store_locked`, `store_unavailable`, `store_corrupt` or
 * `store_newer`.
 */
export function sqliteStore(options: SqliteStoreOptions): SqliteStore {
  checkOptions(options, { path: required(string), driver: oneOf('better-sqlite3', 'node:sqlite') })
  let open: OpenStore | undefined
  const opened = (): OpenStore => {
    if (open === undefined) throw new PortcullisError('closed', 'the store is not open')
    return open
  }
  return {
    open(): void {
      if (open !== undefined)
        throw new PortcullisError('store_locked', 'this store belongs to another origin: close that one first')
      open = openStore(options)
    },
    load: (realm) => opened().realms.load(realm),
    setHead: (realm, head) => setHead(opened(), realm, head),
    append: (batches, entries = []) => append(opened(), batches, entries),
    probe: () => probe(opened()),
    prune: (now, limit) => Number(opened().prune.run(now, limit).changes),
    auditEntries: (query) => opened().audit.entries(query),
    pruneAudit: (before, limit) => opened().audit.prune(before, limit),
    readState: (realm, name) => opened().states.read(realm, name),
    writeState: (realm, name, value, expected) => opened().states.write(realm, name, value, expected),
    outboxEntries: (query) => opened().outbox.entries(query),
    acknowledgeOutbox: (id) => opened().outbox.acknowledge(id),
    postponeOutbox: (id, dueAt) => opened().outbox.postpone(id, dueAt),
    backup: async (path) => backUp(opened().database, path),
    close(): void {
      if (open === undefined) return
      const { database, lock } = open
      open = undefined
      try {
        database.close()
      } finally {
        lock.release()
      }
    },
  }
}

interface OpenStore {
  database: Database
  audit: SqliteAudit
  states: SqliteStates
  outbox: SqliteOutbox
  lock: WriterLock
  realms: SqliteRealms
  setHead: Statement
  insert: Statement
  advance: Statement
  fill: Statement
  empty: Statement
  prune: Statement
}

function openStore(options: SqliteStoreOptions): OpenStore {
  const { path, ...driver } = options
  checkPlace(databaseFile(path))
  const lock = lockWriter(path, driver)
  let database: Database | undefined
  try {
    database = openDatabase(path, driver)
    migrateStore(database)
    return {
      database,
      audit: new SqliteAudit(database),
      states: new SqliteStates(database),
      outbox: new SqliteOutbox(database),
      lock,
      realms: new SqliteRealms(database),
      setHead: database.prepare('INSERT OR REPLACE INTO revocation_heads VALUES (?, ?, ?, ?, ?)'),
      insert: database.prepare('INSERT INTO revocation_rows VALUES (?, ?, ?, ?, ?)'),
      advance: database.prepare('UPDATE revocation_heads SET sequence = ?, chain = ? WHERE realm = ? AND sequence = ?'),
      fill: database.prepare("INSERT OR REPLACE INTO revocation_rows VALUES ('', 0, 0, zeroblob(?), zeroblob(0))"),
      empty: database.prepare("DELETE FROM revocation_rows WHERE realm = ''"),
      prune: database.prepare(
        `DELETE FROM revocation_rows WHERE (realm, sequence) IN
         (SELECT realm, sequence FROM revocation_rows WHERE keep_until < ? LIMIT ?)`,
      ),
    }
  } catch (error) {
    database?.close()
    lock.release()
    throw error
  }
}

/**
 * Checks that the disk has space: writes a row too large for a nearly full disk, and deletes it. No realm has the empty
 * name. Pruning deletes a row left by a crash.
 */
function probe({ fill, empty }: OpenStore): void {
  fill.run(PROBE_BYTES)
  empty.run()
}

function setHead(store: OpenStore, realm: string, head: StoredHead): void {
  store.setHead.run(realm, head.issuer, head.incarnation, head.sequence, head.chain)
}

function append(store: OpenStore, batches: readonly RealmRows[], entries: readonly AuditEntry[]): void {
  store.database.transaction(() => {
    for (const batch of batches) {
      const { realm, rows, outbox = [] } = batch
      // Another program has written to the file despite the lock, so memory no longer matches it.
      if (!advance(store, batch)) {
        throw new PortcullisError(
          'store_corrupt',
          `${store.database.path}: the rows do not follow the stored head: restart the origin`,
        )
      }
      for (const row of rows) store.insert.run(realm, row.sequence, row.keepUntil ?? null, row.payload, row.chain)
      store.outbox.append(realm, outbox)
    }
    store.audit.append(entries)
  })
}

/** Moves the head to the last row. Returns `false` if the head is another one, or there is nothing to write. */
function advance(store: OpenStore, { realm, after, rows, outbox = [] }: RealmRows): boolean {
  const last = rows.at(-1)
  if (last !== undefined) return Number(store.advance.run(last.sequence, last.chain, realm, after).changes) === 1
  return outbox.length > 0 && store.realms.sequence(realm) === after
}
