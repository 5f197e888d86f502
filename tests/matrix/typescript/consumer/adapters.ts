// Adapters that do not need a framework's types.

import { createServer } from 'node:http'
import type { Claims, Gate } from 'portcullis/edge'
import { protect as protectRoute } from 'portcullis/next'
import { protect, receiveFeed } from 'portcullis/node'

interface Tenant extends Claims {
  tenant: string
}

declare const gate: Gate<{ ORIGIN: string }>

createServer(
  protect<Tenant>(
    gate,
    (request, response) => {
      // @ts-expect-error the claim is a string
      const wrong: number = request.auth.claims.tenant
      response.end(request.auth.claims.tenant + String(wrong))
    },
    { scope: ['read'] },
  ),
)
createServer(receiveFeed(gate))

export const proxy = protectRoute(gate, { token: { cookie: 'token' } })
export const GET = protectRoute<Tenant>(gate, (_request, auth) => {
  // @ts-expect-error an accepted token has no reason
  void auth.reason
  return new Response(auth.claims.tenant)
})

// @ts-expect-error unknown option
protectRoute(gate, { scopes: ['read'] })
