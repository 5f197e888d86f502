// The modules stay as small as the README promises: a cold start at the edge downloads and compiles one of them.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'

/** Maximum bytes after gzip. */
const LIMITS = { edge: 224_000, 'edge-slim': 109_000 }

for (const [folder, limit] of Object.entries(LIMITS)) {
  test(`wasm/${folder} is no larger than ${limit} bytes after gzip`, async () => {
    const module = await readFile(new URL(`../../wasm/${folder}/core_bg.wasm`, import.meta.url))
    const bytes = gzipSync(module, { level: 9 }).byteLength
    assert.ok(bytes <= limit, `${bytes} bytes; the demo leaves a module that is not optimised: cargo xtask build`)
  })
}
