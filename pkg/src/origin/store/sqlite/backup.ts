import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { PortcullisError } from '../../../errors.ts'
import { invalid } from '../../../options.ts'
import { canonicalPath, type Database } from './database.ts'
import { PRIVATE_FILE_MODE } from './file-mode.ts'

/**
 * Copies an open database to a file that must not exist. The file appears only once it is complete and on disk. Rejects
 * with `invalid_option` or `store_unavailable`.
 */
export async function backUp(database: Database, path: string): Promise<void> {
  if (typeof path !== 'string' || path === '') throw invalid('path must be a non-empty string')
  const target = canonicalPath(path)
  const partial = `${target}.partial`
  createFile(target)
  try {
    rmSync(partial, { force: true })
    createFile(partial)
    await database.copyTo(partial)
    syncFile(partial)
    renameSync(partial, target)
    syncDirectory(dirname(target))
  } catch (error) {
    rmSync(partial, { force: true })
    rmSync(target, { force: true })
    throw fileError(target, error)
  }
}

/** Throws `invalid_option` if it exists. */
function createFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', PRIVATE_FILE_MODE))
  } catch (error) {
    if ((error as { code?: unknown }).code === 'EEXIST')
      throw invalid(`${path} already exists and is not overwritten: choose another path`)
    throw fileError(path, error)
  }
}

export function syncFile(path: string): void {
  const file = openSync(path, 'r+')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Makes created, renamed and removed names in a directory durable. */
export function syncDirectory(path: string): void {
  // Windows cannot open directories, and needs no such sync.
  if (process.platform === 'win32') return
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

export function fileError(path: string, cause: unknown): PortcullisError {
  if (cause instanceof PortcullisError) return cause
  const code = String((cause as { code?: unknown }).code)
  return new PortcullisError(
    'store_unavailable',
    `${path} failed (${code}): check its directory, access and free space`,
    { cause },
  )
}
