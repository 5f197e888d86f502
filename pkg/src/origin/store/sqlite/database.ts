import { existsSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { PortcullisError } from '../../../errors.ts'
import { warnIfShared } from './file-mode.ts'
import { type Connection, connect, resultOf, type SqliteDriver } from './driver.ts'

export type { SqliteDriver } from './driver.ts'

/** How long a statement waits for another connection's write. */
const BUSY_TIMEOUT_MS = 2_000
/** The value of `PRAGMA synchronous` for which a commit returns only after the write-ahead log is on disk. */
const SYNCHRONOUS_FULL = 2

export type Value = string | number | null | Uint8Array
export type Row = Record<string, Value>

export interface Statement {
  run(...parameters: Value[]): { changes: number | bigint }
  get(...parameters: Value[]): Row | undefined
  all(...parameters: Value[]): Row[]
}

export interface DatabaseOptions {
  /** Default: the first installed one of `better-sqlite3` and `node:sqlite`. */
  driver?: SqliteDriver
}

/** An open SQLite file whose commits are durable. Everything it throws is a `PortcullisError`. */
export interface Database {
  readonly path: string
  exec(sql: string): void
  prepare(sql: string): Statement
  /** Runs `work` in one transaction, completely or not at all. Must not be nested, and `work` is synchronous. */
  transaction<T>(work: () => T): T
  /** Copies everything to an empty file, while others read and write. */
  copyTo(file: string): Promise<void>
  close(): void
}

/**
 * Opens (or creates, mode 0600) a SQLite file in WAL mode with `synchronous=FULL`, and verifies both by reading them
 * back. The directory must exist. If others may read the file, it is opened with a process warning. Several connections
 * may share a file: the revocation store and the development issuer do. Throws `store_unavailable` or `store_corrupt`.
 */
export function openDatabase(path: string, options: DatabaseOptions = {}): Database {
  const file = databaseFile(path)
  const connection = guarded(file, () => connect(file, options.driver))
  warnIfShared(file)
  const database = wrap(file, connection)
  try {
    database.exec(`PRAGMA busy_timeout=${BUSY_TIMEOUT_MS}`)
    const mode = database.prepare('PRAGMA journal_mode=WAL').get()?.['journal_mode']
    database.exec(
      'PRAGMA synchronous=FULL; PRAGMA fullfsync=ON; PRAGMA checkpoint_fullfsync=ON; PRAGMA foreign_keys=ON',
    )
    const synchronous = database.prepare('PRAGMA synchronous').get()?.['synchronous']
    if (mode !== 'wal' || synchronous !== SYNCHRONOUS_FULL) {
      throw new PortcullisError(
        'store_unavailable',
        `${file}: SQLite did not switch to WAL mode with synchronous=FULL: put the file on a local disk that this process may write`,
      )
    }
    return database
  } catch (error) {
    connection.close()
    throw error
  }
}

/**
 * Opens a snapshot of an existing file. It creates and changes nothing, and does not see later writes of others. Throws
 * like `openDatabase`.
 */
export function openSnapshot(file: string, options: DatabaseOptions = {}): Database {
  const connection = guarded(file, () => connect(file, options.driver, 'read'))
  const database = wrap(file, connection)
  try {
    database.exec(`PRAGMA busy_timeout=${BUSY_TIMEOUT_MS}; PRAGMA query_only=ON; BEGIN`)
    return database
  } catch (error) {
    connection.close()
    throw error
  }
}

/** Throws `store_unavailable` if no installed driver can be loaded by this Node. */
export function checkDriver(options: DatabaseOptions = {}): void {
  connect(':memory:', options.driver, 'read').close()
}

/** Returns the canonical path of a store's file. Throws `invalid_option` if the path names no file. */
export function databaseFile(path: string): string {
  if (path === '' || path === ':memory:') {
    throw new PortcullisError('invalid_option', 'path must name a file; for state in memory use memoryStore()')
  }
  return canonicalPath(path)
}

/**
 * Brings one component's tables up to date. `steps[n]` migrates version n to n + 1; each runs once, in a transaction
 * with its version. Throws `store_newer` if a later version of the package wrote the file.
 */
export function migrate(database: Database, component: string, steps: readonly string[]): void {
  database.exec(
    'CREATE TABLE IF NOT EXISTS portcullis_schema (component TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT',
  )
  database.transaction(() => {
    const version = checkedVersion(database, component, steps)
    if (version === steps.length) return
    for (const step of steps.slice(version)) database.exec(step)
    database
      .prepare(
        'INSERT INTO portcullis_schema VALUES (?, ?) ON CONFLICT (component) DO UPDATE SET version = excluded.version',
      )
      .run(component, steps.length)
  })
}

/** Returns the version of one component's tables, in a file with tables of this package. Throws `store_newer`. */
export function checkedVersion(database: Database, component: string, steps: readonly string[]): number {
  const found = database.prepare('SELECT version FROM portcullis_schema WHERE component = ?').get(component)?.[
    'version'
  ]
  const version = typeof found === 'number' ? found : 0
  if (version <= steps.length) return version
  throw new PortcullisError(
    'store_newer',
    `${database.path}: its tables for ${component} have version ${version}, this package supports ${steps.length}: upgrade portcullis`,
  )
}

export function integerOf(row: Row, column: string): number {
  const value = row[column]
  return typeof value === 'number' ? value : damaged(column)
}

export function textOf(row: Row, column: string): string {
  const value = row[column]
  return typeof value === 'string' ? value : damaged(column)
}

/**
 * Decodes a string column that was read with `CAST(… AS BLOB)`, because `node:sqlite` truncates strings at a NUL.
 * Throws `store_corrupt`.
 */
export function castTextOf(row: Row, column: string): string {
  return UTF8.decode(bytesOf(row, column))
}

const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true })

export function bytesOf(row: Row, column: string): Uint8Array {
  const value = row[column]
  return value instanceof Uint8Array ? value : damaged(column)
}

function damaged(column: string): never {
  const message = `the store's column ${column} holds a value of the wrong type: restore a backup`
  throw new PortcullisError('store_corrupt', message)
}

/** A lock on a file, held by one owner at a time. */
export interface WriterLock {
  release(): void
}

/**
 * Takes the writer's lock of a SQLite file: an exclusive transaction on `<path>.lock`. It is a separate database, so
 * that readers and backups of the file itself can continue. The operating system releases the lock when the process
 * ends in any way. Throws `store_locked`.
 */
export function lockWriter(path: string, options: DatabaseOptions = {}): WriterLock {
  const file = `${canonicalPath(path)}.lock`
  const connection = guarded(file, () => connect(file, options.driver))
  try {
    connection.exec('PRAGMA busy_timeout=1000')
    connection.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    connection.close()
    if (resultOf(cause) !== 'SQLITE_BUSY') throw databaseError(file, cause)
    throw new PortcullisError(
      'store_locked',
      `${path} is in use by another origin: stop that one, or give this one a file of its own`,
      {
        cause,
      },
    )
  }
  return { release: () => void connection.close() }
}

/** Returns the same path for every spelling of it. */
export function canonicalPath(path: string): string {
  const absolute = resolve(path)
  if (existsSync(absolute)) return realpathSync(absolute)
  const directory = dirname(absolute)
  return existsSync(directory) ? join(realpathSync(directory), basename(absolute)) : absolute
}

function wrap(file: string, connection: Connection): Database {
  const exec = (sql: string): void => void guarded(file, () => connection.exec(sql))
  return {
    path: file,
    exec,
    prepare(sql: string): Statement {
      const statement = guarded(file, () => connection.prepare(sql)) as Statement
      return {
        run: (...parameters) => guarded(file, () => statement.run(...parameters)),
        get: (...parameters) => guarded(file, () => statement.get(...parameters)),
        all: (...parameters) => guarded(file, () => statement.all(...parameters)),
      }
    },
    transaction<T>(work: () => T): T {
      exec('BEGIN IMMEDIATE')
      try {
        const result = work()
        exec('COMMIT')
        return result
      } catch (error) {
        try {
          connection.exec('ROLLBACK')
        } catch {
          // SQLite has already rolled back, as it does when the disk is full.
        }
        throw error
      }
    },
    async copyTo(to) {
      try {
        await connection.copyTo(to)
      } catch (cause) {
        throw databaseError(to, cause)
      }
    },
    close: () => guarded(file, () => void connection.close()),
  }
}

function guarded<T>(file: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw databaseError(file, cause)
  }
}

function databaseError(file: string, cause: unknown): PortcullisError {
  if (cause instanceof PortcullisError) return cause
  const result = resultOf(cause)
  switch (result) {
    case 'SQLITE_CORRUPT':
    case 'SQLITE_NOTADB':
      return new PortcullisError('store_corrupt', `${file} is damaged or not an SQLite file: restore a backup`, {
        cause,
        detail: result,
      })
    case 'SQLITE_FULL':
      return new PortcullisError('store_unavailable', `${file} cannot grow: free space on its disk`, {
        cause,
        detail: result,
      })
    case 'SQLITE_READONLY':
    case 'SQLITE_CANTOPEN':
    case 'SQLITE_PERM':
      return new PortcullisError(
        'store_unavailable',
        `${file} cannot be written: give this process write access to the file and its directory`,
        { cause, detail: result },
      )
    case 'SQLITE_BUSY':
    case 'SQLITE_LOCKED':
      return new PortcullisError(
        'store_unavailable',
        `${file} is locked by another program's write: stop that program`,
        {
          cause,
          detail: result,
        },
      )
    default:
      return new PortcullisError('store_unavailable', `${file} failed: check its disk`, { cause, detail: result })
  }
}
