// The suite in workerd, the runtime of Cloudflare Workers.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../www/demo/child.ts'
import { serveWorker } from '../../www/demo/workerd.ts'
import { report } from './report.ts'
import { setStage } from './stage.ts'
import type { Result } from './suite.ts'

test('workerd', { timeout: 60_000 }, async (context) => {
  const stage = await setStage()
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-'))
  const port = await freePort()
  const entry = fileURLToPath(new URL('worker.ts', import.meta.url))
  const worker = await serveWorker({ name: 'suite worker', entry, folder, port, bindings: {}, readyPath: '/' })
  try {
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: JSON.stringify(stage.scenario) })
    if (!response.ok) throw new Error(`the worker answered ${response.status}: ${await response.text()}`)
    await report(context, (await response.json()) as Result[])
  } finally {
    await worker.stop()
    await stage.close()
    await rm(folder, { recursive: true, force: true })
  }
})
