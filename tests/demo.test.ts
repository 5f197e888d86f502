// The demo when it cannot start: it prints one sentence that says what to do, and leaves nothing behind.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort, requirePort } from '../www/demo/child.ts'
import { EDGE_PORT, ORIGIN_PORT } from '../www/demo/settings.ts'
import { startOrigin } from '../www/demo/start-origin.ts'
import { openPlace } from './place.ts'

const DEMO = fileURLToPath(new URL('../www/demo', import.meta.url))

/** Occupies a port. Returns `undefined` if another process has it, which serves the same purpose. */
async function occupy(port: number): Promise<Server | undefined> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  return once(server, 'listening').then(
    () => server,
    () => undefined,
  )
}

test('names a port in use, and starts nothing', async () => {
  for (const [port, part] of [
    [ORIGIN_PORT, 'origin'],
    [EDGE_PORT, 'edge worker'],
  ] as const) {
    const occupied = await occupy(port)
    try {
      const demo = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), join(DEMO, 'run.ts'), '--tour'], {
        cwd: DEMO,
      })
      let said = ''
      for (const stream of [demo.stdout, demo.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
      const [status] = (await once(demo, 'close')) as [number]
      assert.equal(status, 1)
      // A running demo may occupy the other port, too.
      assert.match(
        said,
        /^port 878[07] is needed for the (origin|edge worker) but is in use: stop the process that listens there, then try again\n$/,
      )
      if (port === ORIGIN_PORT) assert.ok(said.includes(part))
    } finally {
      occupied?.close()
    }
  }
})

test('a free port is found, and the check does not occupy it', async (t) => {
  const port = await freePort()
  await requirePort(port, 'origin')
  const occupied = await occupy(port)
  t.after(() => occupied?.close())
  assert.notEqual(occupied, undefined)
  await assert.rejects(requirePort(port, 'origin'), { message: new RegExp(`^port ${port} is needed for the origin`) })
})

test('an origin that cannot start says why', async () => {
  const place = await openPlace()
  try {
    await assert.rejects(
      startOrigin({ ...place, originPort: 65_536 }),
      /the origin exited before it was ready:\n.*PORTCULLIS_PORT must be a port, 1 to 65535/s,
    )
  } finally {
    await place.close()
  }
})
