// The gate for Node in one file: each file more costs a starting process a third of a millisecond, and the gate has 77.

import { join } from 'node:path'
import { build } from 'esbuild'

/** Their modules stay for `portcullis/edge/load`; a process that imports both has two instances of the core, each complete. */
const ENTRIES = ['dist/entry/edge/node.js', 'dist/entry/edge/slim/node.js']

/** Puts into each entry for Node, of the built package in `folder`, all that it imports but the wasm module. */
export async function joinEntries(folder: string): Promise<void> {
  for (const entry of ENTRIES) {
    const file = join(folder, entry)
    await build({
      entryPoints: [file],
      outfile: file,
      allowOverwrite: true,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'es2022',
      external: ['*/wasm/edge/embedded.js', '*/wasm/edge-slim/embedded.js'],
      logLevel: 'error',
    })
  }
}
