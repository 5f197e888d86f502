// The SQLite drivers under test. A test of a missing one is skipped, and states why.

import { createRequire } from 'node:module'
import type { SqliteDriver } from '../store/sqlite/driver.ts'
import { driverMisfit } from '../store/sqlite/driver-version.ts'

interface DriverUnderTest {
  driver: SqliteDriver
  /** For a test's `skip`: why it cannot run, or `false`. */
  skip: string | false
}

export const DRIVERS: readonly DriverUnderTest[] = [
  { driver: 'better-sqlite3', skip: !hasBetterSqlite() && 'better-sqlite3 is not built for this Node' },
  { driver: 'node:sqlite', skip: !hasNodeSqlite() && 'this Node has no node:sqlite' },
]

/** A missing driver, if there is one. */
export const ABSENT: SqliteDriver | undefined = DRIVERS.find(({ skip }) => skip !== false)?.driver

function hasNodeSqlite(): boolean {
  return loads(() => createRequire(import.meta.url)('node:sqlite'))
}

function hasBetterSqlite(): boolean {
  // An incompatible driver ends the process.
  if (driverMisfit() !== undefined) return false
  return loads(() => {
    const Database = createRequire(import.meta.url)('better-sqlite3') as new (file: string) => { close(): void }
    // Its native module loads only now.
    new Database(':memory:').close()
  })
}

function loads(load: () => unknown): boolean {
  try {
    load()
    return true
  } catch {
    return false
  }
}
