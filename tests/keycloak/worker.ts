// The edge of a stage: a worker that returns the verdict on a request.

import { createGate, type GateOptions } from 'portcullis/edge'

interface Env {
  /** The gate's options as JSON. */
  GATE: string
}

const gate = createGate<Env>((env) => JSON.parse(env.GATE) as GateOptions)

export default {
  async fetch(request: Request, env: Env, ctx: { waitUntil(promise: Promise<unknown>): void }): Promise<Response> {
    const waitUntil = (promise: Promise<unknown>) => ctx.waitUntil(promise)
    switch (new URL(request.url).pathname) {
      case '/api': {
        const verdict = await gate.authenticate(request, { env, waitUntil })
        return verdict.ok
          ? Response.json({ impersonatedBy: verdict.impersonatedBy })
          : Response.json({ reason: verdict.reason }, { status: verdict.status })
      }
      case '/portcullis/feed':
        return gate.receiveFeed(request, { env, waitUntil })
      default:
        return Response.json(gate.status({ env }))
    }
  },
}
