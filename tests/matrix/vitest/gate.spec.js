// Serves the probe from within a test, so that the gate runs where Vitest runs tests.

import { createServer } from 'node:http'
import { createGate } from 'portcullis/edge'
import { test } from 'vitest'

test('a gate serves', { timeout: 120_000 }, async () => {
  const gate = createGate(JSON.parse(process.env.GATE_OPTIONS))
  const server = createServer(async (incoming, outgoing) => {
    const request = { method: incoming.method, headers: new Headers(incoming.headers) }
    const verdict = await gate.authenticate(request, { scope: [incoming.url.slice(1)] })
    outgoing
      .writeHead(verdict.ok ? 200 : verdict.status)
      .end(JSON.stringify(verdict.ok ? { sub: verdict.claims.sub } : {}))
  })
  const closed = new Promise((resolve) => server.on('close', resolve))
  server.listen(0, '127.0.0.1', () => process.stdout.write(`listening on ${server.address().port}\n`))
  await closed
})
