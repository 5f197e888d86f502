import { closeSync, openSync, readSync, statSync, writeSync } from 'node:fs'

/** Read and written by their owner only: a store holds who logged out, and may hold an issuer's private keys. */
export const PRIVATE_FILE_MODE = 0o600

const OTHERS = 0o077
/** Bytes copied at a time: a database may be larger than the memory. */
const COPY_BYTES = 1_048_576
const warned = new Set<string>()

/** Copies a file to one that must not exist. `copyFile` would give the copy the mode of the original. */
export function copyPrivately(from: string, to: string): void {
  const source = openSync(from, 'r')
  try {
    const target = openSync(to, 'wx', PRIVATE_FILE_MODE)
    try {
      const buffer = new Uint8Array(COPY_BYTES)
      for (let length = readSync(source, buffer); length > 0; length = readSync(source, buffer)) {
        for (let done = 0; done < length; ) done += writeSync(target, buffer, done, length - done)
      }
    } finally {
      closeSync(target)
    }
  } finally {
    closeSync(source)
  }
}

/**
 * Warns once in the process that others than its owner have access to a file. Its mode is not changed: a group may
 * have been given access on purpose. Windows has no such modes.
 */
export function warnIfShared(file: string): void {
  const mode = process.platform === 'win32' ? undefined : statSync(file, { throwIfNoEntry: false })?.mode
  if (mode === undefined || (mode & OTHERS) === 0 || warned.has(file)) return
  warned.add(file)
  process.emitWarning(`${file} is open to others than its owner (mode ${(mode & 0o777).toString(8)}): chmod 600 it`, {
    type: 'PortcullisWarning',
    code: 'PORTCULLIS_FILE_MODE',
  })
}
