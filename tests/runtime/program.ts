// Runs the suite in a program such as Deno or Bun, as a test with this name; skipped if the program cannot run. The
// binary is installed by npm or given by an absolute path; the gate comes from `subpath`.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { report } from './report.ts'
import { setStage } from './stage.ts'
import type { Result } from './suite.ts'

const FOLDER = fileURLToPath(new URL('..', import.meta.url))
const GUEST = fileURLToPath(new URL('guest.ts', import.meta.url))

export function testIn(name: string, binary: string, parameters: string[], subpath = 'portcullis/edge'): void {
  const command = resolve(FOLDER, 'node_modules/.bin', binary)
  const version = spawnSync(command, ['--version'], { encoding: 'utf8', timeout: 30_000 })
  const skip = version.status === 0 ? false : `${name} does not run here`
  test(name, { skip, timeout: 60_000 }, async (context) => {
    const stage = await setStage()
    const guest = spawn(command, [...parameters, GUEST, subpath], { cwd: FOLDER, stdio: ['pipe', 'pipe', 'pipe'] })
    try {
      guest.stdin.end(JSON.stringify(stage.scenario))
      const [output, complaint, [code]] = await Promise.all([
        text(guest.stdout),
        text(guest.stderr),
        once(guest, 'exit'),
      ])
      if (code !== 0) throw new Error(`${name} ended with ${String(code)}: ${complaint.trim()}`)
      await report(context, JSON.parse(output) as Result[])
    } finally {
      guest.kill('SIGKILL')
      await stage.close()
    }
  })
}
