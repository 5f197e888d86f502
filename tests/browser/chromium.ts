// Drives Debian's Chromium by playwright-core, for the page tests.

import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium, type Browser } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']

/** No sandbox: tests may run as root. No network requests but those of the pages. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** `CHROMIUM=no`: not used. `CHROMIUM=yes`: required. Otherwise used if found. */
const wanted = process.env['CHROMIUM'] ?? ''
const path = wanted === 'no' ? undefined : installed()
if (wanted === 'yes' && path === undefined)
  throw new Error(`CHROMIUM=yes, but none of ${NAMES.join(', ')} is on the PATH`)

/** For a test's `skip`: the reason why it cannot run, or `false`. */
export const skip: string | false = path === undefined && 'Chromium is missing: apt-get install chromium'

/**
 * Starts a browser with an empty profile; the caller closes it. Returns `undefined` without Chromium, and rejects if it
 * does not start.
 */
export async function openChromium(): Promise<Browser | undefined> {
  if (path === undefined) return undefined
  return chromium.launch({
    executablePath: path,
    args: FLAGS,
    // Users have a back-forward cache, so the tests must have it.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  })
}

function installed(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((file) => existsSync(file))
}
