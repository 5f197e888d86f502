// An application on Deno's server.

import { createGate } from 'portcullis/edge'

const gate = createGate(JSON.parse(Deno.env.get('GATE_OPTIONS')))

const onListen = ({ port }) => console.log(`listening on ${port}`)

Deno.serve({ port: Number(Deno.env.get('PORT')), hostname: '127.0.0.1', onListen }, async (request) => {
  const verdict = await gate.authenticate(request, { scope: [new URL(request.url).pathname.slice(1)] })
  return verdict.ok ? Response.json({ sub: verdict.claims.sub }) : gate.challenge(verdict)
})
