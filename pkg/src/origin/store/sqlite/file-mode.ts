import { closeSync, openSync, readSync, statSync, writeSync } from 'node:fs'

/** Only the owner can read and write: a store records who logged out, and may contain an issuer's private keys. */
export const PRIVATE_FILE_MODE = 0o600

const OTHERS = 0o077
/** The number of bytes copied at a time: a database may be larger than memory. */
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
 * Warns once per process that others than its owner can access a file. Its mode is not changed, because a group may
 * have been given access on purpose. Windows has no such modes.
 */
export function warnIfShared(file: string): void {
  const mode = process.platform === 'win32' ? undefined : statSync(file, { throwIfNoEntry: false })?.mode
  if (mode === undefined || (mode & OTHERS) === 0 || warned.has(file)) return
  warned.add(file)
  process.emitWarning(
    `${file} is accessible to others than its owner (mode ${(mode & 0o777).toString(8)}): run chmod 600 on it`,
    {
      type: 'PortcullisWarning',
      code: 'PORTCULLIS_FILE_MODE',
    },
  )
}
