// An application on Node's own server, the input of every bundler for Node.

import { createServer } from 'node:http'
import { createGate } from 'portcullis/edge'

const gate = createGate(JSON.parse(process.env.GATE_OPTIONS))

const server = createServer(async (incoming, outgoing) => {
  const request = new Request(`http://app.example${incoming.url}`, { headers: incoming.headers })
  const verdict = await gate.authenticate(request, { scope: [incoming.url.slice(1)] })
  const response = verdict.ok ? Response.json({ sub: verdict.claims.sub }) : gate.challenge(verdict)
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  outgoing.end(await response.text())
})

server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log(`listening on ${server.address().port}`))
