// The files of the project that the words check reads.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isRead } from './passages.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Not the project's own words: recorded data, inputs of tests, lock files, licences. */
const LEFT_OUT = [
  /(^|\/)fixtures\/(?!.*\.(md|rs|ts|mjs)$)/,
  /(^|\/)(vectors|key-sets|keycloak-wire|corpus)\/.*\.json$/,
  /(^|\/)(corpus|seeds)\//,
  /(^|\/)[\w.-]*-?lock\.(json|jsonc|yaml)$/,
  /(^|\/)Cargo\.lock$/,
  /(^|\/)LICENSE/,
  // Recorded events of a Keycloak.
  /^pkg\/src\/origin\/connectors\/keycloak\/testing\/.*\.json$/,
  // The check itself, whose examples are faults.
  /^tests\/words\//,
]

/** Paths of the files, from the root of the project. */
export function sources(): string[] {
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 26 })
  return tracked.split('\0').filter((path) => path !== '' && isRead(path) && !LEFT_OUT.some((each) => each.test(path)))
}

export const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
