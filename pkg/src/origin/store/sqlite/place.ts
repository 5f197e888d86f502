import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { PortcullisError } from '../../../errors.ts'

/**
 * Throws `store_unavailable` unless a store can be at this path. SQLite's own error is less specific and names the lock
 * file.
 */
export function checkPlace(file: string): void {
  const directory = dirname(file)
  if (!existsSync(directory)) throw unavailable(`${file}: its directory does not exist: create it first`)
  if (!statSync(directory).isDirectory()) throw unavailable(`${file}: ${directory} is not a directory`)
  mustAllow(directory, file)
  if (!existsSync(file)) return
  if (!statSync(file).isFile()) throw unavailable(`${file} is not a file`)
  mustAllow(file, file)
}

function mustAllow(place: string, file: string): void {
  try {
    accessSync(place, constants.R_OK | constants.W_OK)
  } catch (cause) {
    throw unavailable(`${file} cannot be written: give this process write access to the file and its directory`, cause)
  }
}

function unavailable(message: string, cause?: unknown): PortcullisError {
  return new PortcullisError('store_unavailable', message, { cause })
}
