// The contract of stores in workerd: it does not need Node, and gives the same results there.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { memoryStore } from 'portcullis/origin/memory'
import { storeContract } from 'portcullis/origin/store-contract'
import { freePort } from '../../www/demo/child.ts'
import { serveWorker } from '../../www/demo/workerd.ts'
import type { Result } from './suite.ts'

test('a store in workerd passes the contract, and one that loses rows does not', { timeout: 120_000 }, async () => {
  const names: string[] = []
  storeContract(() => ({ store: memoryStore() }), { test: (name) => names.push(name) })
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-'))
  const port = await freePort()
  const entry = fileURLToPath(new URL('store-worker.ts', import.meta.url))
  const worker = await serveWorker({ name: 'store worker', entry, folder, port, bindings: {}, readyPath: '/' })
  const results = async (lostRows: number): Promise<Result[]> => {
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: JSON.stringify({ lostRows }) })
    assert.equal(response.status, 200)
    return (await response.json()) as Result[]
  }
  try {
    assert.deepEqual(
      await results(0),
      names.map((name) => ({ name })),
    )
    const failed = (await results(1)).filter(({ problem }) => problem !== undefined).map(({ name }) => name)
    assert.ok(failed.includes('rows come back in order, byte for byte, with the head they led to'), failed.join())
  } finally {
    await worker.stop()
    await rm(folder, { recursive: true, force: true })
  }
})
