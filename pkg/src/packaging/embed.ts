// The wasm modules as text, for entries that find no file beside themselves once a bundler has put them into one.

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'

const MODULES = ['edge', 'edge-slim', 'origin']

/** Writes `wasm/<module>/embedded.js` where the module is newer. Modules that have not been built are left out. */
export function embedModules(folder: string): void {
  for (const name of MODULES) {
    const module = join(folder, 'wasm', name, 'core_bg.wasm')
    const embedded = join(folder, 'wasm', name, 'embedded.js')
    if (existsSync(module) && isNewer(module, embedded)) writeFileSync(embedded, sourceOf(readFileSync(module)))
  }
}

/** Compressed: two fifths of the text, and as fast to start from, for there is less to parse. */
function sourceOf(module: Uint8Array): string {
  return `export const base64 = '${deflateRawSync(module, { level: 9 }).toString('base64')}'\n`
}

function isNewer(source: string, product: string): boolean {
  return !existsSync(product) || statSync(source).mtimeMs >= statSync(product).mtimeMs
}
