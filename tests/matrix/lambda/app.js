// A function behind API Gateway (HTTP API, payload 2.0). The gate is at module scope, so it lives as long as the
// execution environment.

import { createGate } from 'portcullis/edge'

const gate = createGate(JSON.parse(process.env.GATE_OPTIONS))

export async function handler(event) {
  const request = new Request(`https://${event.requestContext.domainName}${event.rawPath}`, { headers: event.headers })
  const verdict = await gate.authenticate(request, { scope: [event.rawPath.slice(1)] })
  const response = verdict.ok ? Response.json({ sub: verdict.claims.sub }) : gate.challenge(verdict)
  return { statusCode: response.status, headers: Object.fromEntries(response.headers), body: await response.text() }
}
