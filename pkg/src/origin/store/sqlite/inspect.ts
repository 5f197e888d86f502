import { existsSync } from 'node:fs'
import { PortcullisError } from '../../../errors.ts'
import { memoryStore } from '../memory.ts'
import type { RevocationStore } from '../store.ts'
import { checkDriver, type Database, databaseFile, type DatabaseOptions, lockWriter, openSnapshot } from './database.ts'
import type { SqliteStoreOptions } from './index.ts'
import { checkPlace } from './place.ts'
import { SqliteRealms } from './realms.ts'
import { storedVersion } from './schema.ts'

/** A store with the rows that a file has when it is opened. Writes are kept in memory only. */
interface InspectedStore extends RevocationStore {
  /** Whether another origin has the file open; known once this store is open. */
  readonly use: 'free' | 'in_use'
}

/**
 * Opens a store as `sqliteStore` would and meets the same errors, but creates and changes no file. It throws
 * `invalid_option`, `store_unavailable`, `store_corrupt` or `store_newer`.
 */
export function inspectSqlite({ path, ...driver }: SqliteStoreOptions): InspectedStore {
  const written = memoryStore()
  let use: InspectedStore['use'] = 'free'
  let database: Database | undefined
  let realms: SqliteRealms | undefined
  return {
    ...written,
    get use() {
      return use
    },
    open() {
      const file = databaseFile(path)
      checkPlace(file)
      checkDriver(driver)
      if (!existsSync(file)) return
      use = isLocked(file, driver) ? 'in_use' : 'free'
      database = openSnapshot(file, driver)
      realms = realmsOf(database)
    },
    load(realm) {
      const stored = realms?.load(realm)
      if (stored !== undefined) written.setHead(realm, stored.head)
      return stored
    },
    close() {
      database?.close()
    },
  }
}

/**
 * Returns `undefined` if the file has no tables yet. Throws `store_newer`, or the database's error; then it is closed.
 */
function realmsOf(database: Database): SqliteRealms | undefined {
  try {
    return storedVersion(database) === 0 ? undefined : new SqliteRealms(database)
  } catch (error) {
    database.close()
    throw error
  }
}

/** Holds the lock for a moment. Its file exists once an origin has opened the store. */
function isLocked(file: string, driver: DatabaseOptions): boolean {
  if (!existsSync(`${file}.lock`)) return false
  try {
    lockWriter(file, driver).release()
    return false
  } catch (error) {
    if (error instanceof PortcullisError && error.code === 'store_locked') return true
    throw error
  }
}
