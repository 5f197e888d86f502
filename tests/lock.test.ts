// Concurrent processes that prepare the cache folder.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pause } from '../www/demo/child.ts'
import { locked } from './lock.ts'

let folder: string
let file: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-lock-'))
  file = join(folder, 'lock')
})

after(() => rm(folder, { recursive: true }))

test('work under the same lock does not overlap', async () => {
  let under = 0
  let most = 0
  const work = async () => {
    most = Math.max(most, ++under)
    await pause(20)
    under -= 1
  }
  await Promise.all([locked(file, work), locked(file, work), locked(file, work)])
  assert.equal(most, 1)
})

test('a failure releases the lock', async () => {
  await assert.rejects(
    locked(file, () => Promise.reject(new Error('failed'))),
    /failed/,
  )
  await assert.rejects(access(file))
})

test('the lock of a process that has exited is taken over', async () => {
  const { pid } = spawnSync(process.execPath, ['--eval', ''])
  await writeFile(file, String(pid))
  assert.equal(await locked(file, () => Promise.resolve('done')), 'done')
})
