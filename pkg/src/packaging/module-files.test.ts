import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { reached } from './module-files.ts'

test('a wasm module that has not been built is skipped, and any other missing file is an error', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-modules-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const write = (file: string, text: string): void => {
    mkdirSync(join(folder, file, '..'), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
  write('wasm/edge/embedded.js', '')
  write('dist/entry.js', "import '../wasm/edge/embedded.js'\nimport '../wasm/edge-slim/embedded.js'")
  assert.deepEqual(reached(folder, ['dist/entry.js']), ['dist/entry.js', 'wasm/edge/embedded.js'])
  write('dist/entry.js', "import './gone.js'")
  assert.throws(() => reached(folder, ['dist/entry.js']), { code: 'ENOENT' })
})
