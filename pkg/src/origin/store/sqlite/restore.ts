import { existsSync, linkSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { checkOptions, integer, invalid, oneOf, required, string } from '../../../options.ts'
import { PortcullisError } from '../../../errors.ts'
import { fileError, syncDirectory, syncFile } from './backup.ts'
import {
  bytesOf,
  canonicalPath,
  castTextOf,
  type Database,
  type DatabaseOptions,
  integerOf,
  lockWriter,
  openDatabase,
  type SqliteDriver,
} from './database.ts'
import { copyPrivately } from './file-mode.ts'
import { migrateStore } from './schema.ts'
import { SqliteAudit } from './audit.ts'
import { MAX_INCARNATION, SEQUENCES_PER_INCARNATION, type StoredHead } from '../store.ts'

export interface RestoreOptions {
  /** A file written by `SqliteStore.backup`. It is only read. */
  backup: string
  /** The store's file. An existing one is kept under another name. */
  path: string
  /**
   * The incarnation to begin. Default: one more than the highest in the backup and the old file. Needed only if a store
   * that was restored before is lost completely: then give one more than its number.
   */
  incarnation?: number
  /** Default: `better-sqlite3` if it is installed, else `node:sqlite`. */
  driver?: SqliteDriver
}

export interface Restored {
  /** The incarnation that every realm begins when the origin starts: sequences continue at `incarnation` * 2^40. */
  incarnation: number
  realms: string[]
  /** The path of the old file now; `undefined` if there was no old file. */
  kept: string | undefined
}

/**
 * Replaces a store's file with a backup, as a new incarnation: its sequences lie beyond all that edges may have seen of
 * the lost history, so they follow it. First stop the origin and every other program that has the file open.
 * Revocations recorded after the backup are lost: `logoutRealm` refuses every token issued until then.
 *
 * It happens completely or not at all. Rejects with `invalid_option`, `store_locked` (another process has the file
 * open), `store_corrupt` (the backup is damaged, or not a backup), `store_newer` or `store_unavailable`.
 */
export async function restoreSqlite(options: RestoreOptions): Promise<Restored> {
  checkOptions(options, RULES)
  const { backup, path, incarnation, ...driver } = options
  const [source, target] = [canonicalPath(backup), canonicalPath(path)]
  if (source === target) throw invalid('options.backup and options.path must be different files')
  if (!existsSync(source)) throw invalid(`options.backup: ${source} does not exist`)
  // A file copied while an origin uses it lacks the contents of its log.
  if (existsSync(`${source}-wal`))
    throw invalid(`options.backup: ${source} is in use, or was not made by backup(): it has a -wal file`)
  const lock = lockWriter(target, driver)
  const copy = `${target}.restoring`
  const kept = existsSync(target) ? unusedName(target) : undefined
  let replacing = false
  try {
    const old = kept === undefined ? [] : readHeads(target, kept, driver)
    remove(copy)
    copyPrivately(source, copy)
    const begun = beginIncarnation({ copy, source, old, least: incarnation, driver })
    syncFile(copy)
    replacing = true
    if (kept !== undefined) keep(target, kept)
    renameSync(copy, target)
    syncDirectory(dirname(target))
    return { ...begun, kept }
  } catch (error) {
    remove(copy)
    if (kept !== undefined && !replacing) remove(kept)
    throw fileError(target, error)
  } finally {
    lock.release()
  }
}

const RULES = {
  backup: required(string),
  path: required(string),
  incarnation: integer('restored backups', 1, MAX_INCARNATION),
  driver: oneOf('better-sqlite3', 'node:sqlite'),
}

interface Beginning {
  copy: string
  source: string
  old: readonly RealmHead[]
  least: number | undefined
  driver: DatabaseOptions
}

type RealmHead = StoredHead & { realm: string }

/** Raises the incarnation of every realm in the backup or the old file, and records it in the audit log. */
function beginIncarnation({ copy, source, old, least, driver }: Beginning): { incarnation: number; realms: string[] } {
  let database: Database | undefined
  try {
    database = openDatabase(copy, driver)
    checkWhole(database)
    migrateStore(database)
    const held = headsOf(database)
    const heads = [...held, ...old.filter(({ realm }) => !held.some((each) => each.realm === realm))]
    const next = 1 + Math.max(0, ...[...held, ...old].map((head) => head.incarnation))
    const incarnation = least ?? next
    if (incarnation < next || next > MAX_INCARNATION) {
      throw invalid(
        `options.incarnation must be ${next} or more, and at most ${MAX_INCARNATION}: the files are already at the one before`,
      )
    }
    begin(database, heads, incarnation)
    return { incarnation, realms: heads.map(({ realm }) => realm) }
  } catch (error) {
    throw error instanceof PortcullisError
      ? new PortcullisError(error.code, error.message.replaceAll(copy, source), { cause: error })
      : error
  } finally {
    database?.close()
  }
}

/** Keeps the sequences of the heads: the origin begins the incarnation that they name. */
function begin(database: Database, heads: readonly RealmHead[], incarnation: number): void {
  const put = database.prepare('INSERT OR REPLACE INTO revocation_heads VALUES (?, ?, ?, ?, ?)')
  const audit = new SqliteAudit(database)
  const at = Math.floor(Date.now() / 1000)
  const sequence = incarnation * SEQUENCES_PER_INCARNATION
  database.transaction(() => {
    for (const head of heads) put.run(head.realm, head.issuer, incarnation, head.sequence, head.chain)
    audit.append(heads.map(({ realm }) => ({ realm, at, action: 'restored', actor: 'application', sequence })))
  })
}

function checkWhole(database: Database): void {
  if (!isStore(database)) {
    throw new PortcullisError('store_corrupt', `${database.path} is not a backup of a revocation store`)
  }
  if (database.prepare('PRAGMA integrity_check(1)').get()?.['integrity_check'] !== 'ok') {
    throw new PortcullisError('store_corrupt', `${database.path} is damaged: take another backup`)
  }
}

function isStore(database: Database): boolean {
  const tables = database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'portcullis_schema'")
  if (tables.get() === undefined) return false
  return database.prepare("SELECT 1 FROM portcullis_schema WHERE component = 'revocations'").get() !== undefined
}

/**
 * Returns no heads if the file cannot be read, which may be why it is being replaced. Throws `store_locked` if it is in
 * use.
 */
function readHeads(path: string, kept: string, driver: DatabaseOptions): RealmHead[] {
  const log = `${kept}-wal`
  // SQLite discards a log that it cannot use.
  if (existsSync(`${path}-wal`)) copyPrivately(`${path}-wal`, log)
  const heads = tryReadHeads(path, driver)
  if (heads === undefined) return []
  // The last connection to close merges the log into the file.
  rmSync(log, { force: true })
  if (existsSync(`${path}-wal`))
    throw new PortcullisError('store_locked', `${path} is in use by another program: stop that one`)
  return heads
}

function tryReadHeads(path: string, driver: DatabaseOptions): RealmHead[] | undefined {
  try {
    const database = openDatabase(path, driver)
    try {
      return headsOf(database)
    } finally {
      database.close()
    }
  } catch {
    return undefined
  }
}

function headsOf(database: Database): RealmHead[] {
  const heads = `SELECT CAST(realm AS BLOB) AS realm, CAST(issuer AS BLOB) AS issuer, incarnation, sequence, chain
    FROM revocation_heads ORDER BY revocation_heads.realm`
  return database
    .prepare(heads)
    .all()
    .map((row) => ({
      realm: castTextOf(row, 'realm'),
      issuer: castTextOf(row, 'issuer'),
      incarnation: integerOf(row, 'incarnation'),
      sequence: integerOf(row, 'sequence'),
      chain: bytesOf(row, 'chain'),
    }))
}

/** Gives the old file a second name, under which it stays. None of its log may remain beside the new file. */
function keep(path: string, kept: string): void {
  try {
    linkSync(path, kept)
  } catch {
    // The file system has no hard links.
    copyPrivately(path, kept)
  }
  for (const part of ['-wal', '-shm']) rmSync(path + part, { force: true })
}

function unusedName(path: string): string {
  const name = `${path}.replaced-${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')}`
  let unused = name
  for (let count = 2; existsSync(unused); count += 1) unused = `${name}-${count}`
  return unused
}

function remove(file: string): void {
  for (const part of ['', '-wal', '-shm']) rmSync(file + part, { force: true })
}
