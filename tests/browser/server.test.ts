// Importing and creating a session on a server sends nothing, keeps no process alive, and shares nothing between users.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../www/demo/child.ts'
import { serveWorker } from '../../www/demo/workerd.ts'

const FOLDER = fileURLToPath(new URL('..', import.meta.url))
const at = (file: string): string => fileURLToPath(new URL(`server/${file}`, import.meta.url))

const PROGRAMS: [name: string, command: string, parameters: string[]][] = [
  ['Node', process.execPath, ['--import', 'tsx']],
  [
    'Deno',
    resolve(FOLDER, 'node_modules/.bin/deno'),
    ['run', '--quiet', '--allow-all', '--no-prompt', '--no-lock', '--node-modules-dir=manual'],
  ],
  ['Bun', resolve(FOLDER, 'node_modules/.bin/bun'), ['run']],
]

for (const [name, command, parameters] of PROGRAMS) {
  const skip = spawnSync(command, ['--version'], { timeout: 30_000 }).status === 0 ? false : `${name} does not run here`
  test(name, { skip, timeout: 60_000 }, async () => {
    const guest = spawn(command, [...parameters, at('guest.ts')], { cwd: FOLDER, stdio: ['ignore', 'pipe', 'pipe'] })
    try {
      const [output, complaint, [code]] = await Promise.all([
        text(guest.stdout),
        text(guest.stderr),
        once(guest, 'exit'),
      ])
      assert.deepEqual([code, complaint.trim()], [0, ''])
      assert.deepEqual(JSON.parse(output), [])
    } finally {
      guest.kill('SIGKILL')
    }
  })
}

test('workerd', { timeout: 60_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-'))
  t.after(() => rm(folder, { recursive: true }))
  const port = await freePort()
  const worker = await serveWorker({
    name: 'sessions in workerd',
    entry: at('worker.ts'),
    folder,
    port,
    bindings: {},
    readyPath: '/',
  })
  t.after(() => worker.stop())
  const answer = await fetch(`http://127.0.0.1:${port}/`)
  assert.deepEqual([answer.status, await answer.text()], [200, '[]'])
})
