// The origin's tests name no store: tests of one kind of store are in its folder.

import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { makeTestStore } from './stores.ts'

const ORIGIN = fileURLToPath(new URL('..', import.meta.url))
const KIND = /store\/(?:memory|sqlite)|memoryStore|sqliteStore/

test('no test outside store/ names a kind of store', async () => {
  const files = (await readdir(ORIGIN, { recursive: true })).filter(
    (file) => file.endsWith('.test.ts') && !/^(?:store|testing)[/\\]/.test(file),
  )
  assert.ok(files.length > 30, `${files.length} tests were found`)
  const naming: string[] = []
  for (const file of files) if (KIND.test(await readFile(join(ORIGIN, file), 'utf8'))) naming.push(file)
  assert.deepEqual(naming, [])
})

test('refuses an unknown kind', (t) => {
  const before = process.env['PORTCULLIS_TEST_STORE']
  t.after(() => {
    delete process.env['PORTCULLIS_TEST_STORE']
    if (before !== undefined) process.env['PORTCULLIS_TEST_STORE'] = before
  })
  process.env['PORTCULLIS_TEST_STORE'] = 'papyrus'
  assert.throws(() => makeTestStore(), /must be sqlite or memory, not papyrus/)
})
