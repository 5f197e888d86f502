// An application on Bun's server.

import { createGate } from 'portcullis/edge'

const gate = createGate(JSON.parse(process.env.GATE_OPTIONS))

const server = Bun.serve({
  port: Number(process.env.PORT),
  hostname: '127.0.0.1',
  async fetch(request) {
    const verdict = await gate.authenticate(request, { scope: [new URL(request.url).pathname.slice(1)] })
    return verdict.ok ? Response.json({ sub: verdict.claims.sub }) : gate.challenge(verdict)
  },
})

console.log(`listening on ${server.port}`)
