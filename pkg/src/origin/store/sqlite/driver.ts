import { closeSync, existsSync, openSync, rmSync, truncateSync } from 'node:fs'
import { dirname } from 'node:path'
import { PortcullisError } from '../../../errors.ts'
import { driverMisfit, INSTALL_DRIVER } from './driver-version.ts'
import { PRIVATE_FILE_MODE } from './file-mode.ts'
import { requireHere } from './require.ts'

/** The common interface of better-sqlite3 and node:sqlite. */
export interface Connection {
  exec(sql: string): unknown
  prepare(sql: string): unknown
  close(): unknown
  /** Copies the whole database to an empty file, in steps between which others can continue. */
  copyTo(file: string): Promise<void>
}

/** The SQLite driver: the optional peer `better-sqlite3` if it is installed, else `node:sqlite`. */
export type SqliteDriver = 'better-sqlite3' | 'node:sqlite'

/** `write` creates the file if it is missing. `read` creates nothing and changes nothing in the file. */
type Access = 'write' | 'read'

/**
 * Opens a file with the given driver, else with the first installed one. Throws `store_unavailable`, or the driver's
 * error.
 */
export function connect(file: string, driver: SqliteDriver | undefined, access: Access = 'write'): Connection {
  if (!existsSync(dirname(file))) {
    throw new PortcullisError('store_unavailable', `${file}: its directory does not exist: create it first`)
  }
  const drivers = driver === undefined ? DRIVERS : [driver]
  let misfit: string | undefined
  for (const each of drivers) {
    // Checked before it is loaded, because a driver for another Node ends the process.
    const reason = each === 'better-sqlite3' ? driverMisfit() : undefined
    misfit ??= reason
    const open = reason === undefined ? load(each) : undefined
    const connection = open === undefined ? undefined : openAs(access, open, file)
    if (connection !== undefined) return connection
  }
  throw new PortcullisError(
    'store_unavailable',
    misfit ??
      `${drivers.join(' or ')} is not installed or cannot be loaded: ${INSTALL_DRIVER} (npm rebuild, after a change of Node), ` +
        'or run Node 22.13 or later',
    { detail: NO_DRIVER },
  )
}

/** The `detail` of the error when no driver can be loaded. */
export const NO_DRIVER = 'no_driver'

const DRIVERS: readonly SqliteDriver[] = ['better-sqlite3', 'node:sqlite']

type Open = (file: string, access: 'write' | 'read_only') => Connection

/** Returns `undefined` if the driver is not installed, or not built for this Node. */
function load(driver: SqliteDriver): Open | undefined {
  const require = requireHere()
  try {
    switch (driver) {
      case 'better-sqlite3': {
        const BetterSqlite = require('better-sqlite3') as new (
          file: string,
          options: { readonly: boolean },
        ) => BetterConnection
        return (file, access) =>
          withCopy(new BetterSqlite(file, { readonly: access === 'read_only' }), copyByBetterSqlite)
      }
      case 'node:sqlite': {
        const { DatabaseSync, backup } = require('node:sqlite') as NodeSqlite
        return (file, access) =>
          withCopy(new DatabaseSync(file, { readOnly: access === 'read_only' }), (connection, to) =>
            copyByNodeSqlite(backup, connection, to),
          )
      }
    }
  } catch (error) {
    if (isNotThere(error)) return undefined
    throw error
  }
}

type Bare = Omit<Connection, 'copyTo'>

function withCopy<C extends Bare>(connection: C, copy: (connection: C, file: string) => Promise<void>): Connection {
  return {
    exec: (sql) => connection.exec(sql),
    prepare: (sql) => connection.prepare(sql),
    close: () => connection.close(),
    copyTo: (file) => copy(connection, file),
  }
}

/** Pages copied at a time: a step takes a few milliseconds. */
const COPY_PAGES = 1_000
/** A write through another connection restarts the copy. After this many restarts the rest is copied in one step. */
const MAX_COPY_RESTARTS = 3
const ALL_PAGES = 0x7fff_ffff

interface BetterConnection extends Bare {
  backup(file: string, options: { progress: (at: { remainingPages: number }) => number }): Promise<unknown>
}

/** Returns a function that counts, from step to step, how often the copy was restarted. */
function restartCounter(): (remainingPages: number) => number {
  let left = Number.POSITIVE_INFINITY
  let restarts = 0
  return (remainingPages) => {
    if (remainingPages > left) restarts += 1
    left = remainingPages
    return restarts
  }
}

async function copyByBetterSqlite(connection: BetterConnection, file: string): Promise<void> {
  const restartsAt = restartCounter()
  await connection.backup(file, {
    progress: ({ remainingPages }) => (restartsAt(remainingPages) > MAX_COPY_RESTARTS ? ALL_PAGES : COPY_PAGES),
  })
}

interface NodeSqlite {
  DatabaseSync: new (file: string, options: { readOnly: boolean }) => Bare
  /** Available since Node 22.16 and 23.8. */
  backup?: (
    connection: Bare,
    file: string,
    options: { rate: number; progress: (at: { remainingPages: number }) => void },
  ) => Promise<unknown>
}

/** Copies in steps if possible, else in one step that blocks the process. */
async function copyByNodeSqlite(backup: NodeSqlite['backup'], connection: Bare, file: string): Promise<void> {
  if (backup !== undefined && (await copyInSteps(backup, connection, file)) === 'copied') return
  connection.exec(`VACUUM INTO '${file.replaceAll("'", "''")}'`)
}

/**
 * Gives up after any error. While others write, the copy is restarted repeatedly, or rejects with errcode 0 ("not an
 * error"). A disk failure recurs in the copy in one step, with its code.
 */
async function copyInSteps(
  backup: NonNullable<NodeSqlite['backup']>,
  connection: Bare,
  file: string,
): Promise<'copied' | 'given_up'> {
  const restartsAt = restartCounter()
  try {
    await backup(connection, file, {
      rate: COPY_PAGES,
      progress({ remainingPages }) {
        if (restartsAt(remainingPages) > MAX_COPY_RESTARTS) throw new Error('restarted too often')
      },
    })
    return 'copied'
  } catch {
    truncateSync(file)
    return 'given_up'
  }
}

function openAs(access: Access, open: Open, file: string): Connection | undefined {
  switch (access) {
    case 'write':
      return openPrivately(open, file)
    case 'read':
      // A read-only connection leaves behind the log that it creates. A writing connection removes it, but would also
      // merge an existing one.
      return tryOpen(() => open(file, existsSync(`${file}-wal`) ? 'read_only' : 'write'))
  }
}

/**
 * Opens a file, and creates it readable for its owner only: SQLite would create it readable for all users. Its log and
 * index get the mode of the file. An existing file is opened unchanged.
 */
function openPrivately(open: Open, file: string): Connection | undefined {
  const created = createPrivate(file)
  let connection: Connection | undefined
  try {
    connection = tryOpen(() => open(file, 'write'))
    return connection
  } finally {
    if (created && connection === undefined) rmSync(file, { force: true })
  }
}

/** Whether the file was created. On failure SQLite has the better message. */
function createPrivate(file: string): boolean {
  try {
    closeSync(openSync(file, 'wx', PRIVATE_FILE_MODE))
    return true
  } catch {
    return false
  }
}

/** Returns `undefined` without the native module, which better-sqlite3 loads only when it opens a file. */
function tryOpen(open: () => Connection): Connection | undefined {
  try {
    return open()
  } catch (error) {
    if (isNotThere(error)) return undefined
    throw error
  }
}

function isNotThere(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown }
  if (['MODULE_NOT_FOUND', 'ERR_UNKNOWN_BUILTIN_MODULE', 'ERR_DLOPEN_FAILED'].includes(String(code))) return true
  // Thrown by the package `bindings` when nothing was built.
  return String(message).startsWith('Could not locate the bindings file')
}

/** Primary result codes by number, as reported by node:sqlite (https://www.sqlite.org/rescode.html). */
const RESULTS: Readonly<Record<number, string>> = {
  3: 'SQLITE_PERM',
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  26: 'SQLITE_NOTADB',
}

/** Returns the primary result code of either driver's error: `SQLITE_READONLY` also for `SQLITE_READONLY_DIRECTORY`. */
export function resultOf(cause: unknown): string {
  const { code, errcode } = (cause ?? {}) as { code?: unknown; errcode?: unknown }
  if (typeof errcode === 'number') return RESULTS[errcode & 0xff] ?? 'SQLITE_ERROR'
  if (typeof code !== 'string') return 'SQLITE_ERROR'
  return Object.values(RESULTS).find((name) => code === name || code.startsWith(`${name}_`)) ?? 'SQLITE_ERROR'
}
