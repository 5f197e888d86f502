// The edge: a worker that passes a request on only if its token is valid and not revoked.

import { createGate, type JWK } from 'portcullis/edge'
import { whoami } from './whoami.ts'

interface Env {
  /** Base URL of the origin and its issuer, such as `http://127.0.0.1:8780`. */
  ORIGIN: string
  /** The public keys that may sign the feed: a JSON array of JWKs. */
  FEED_KEYS: string
  /** This edge's secret for acknowledgements. */
  EDGE_SECRET: string
  /** Key of the in-house issuer, a symmetric JWK. */
  INHOUSE_KEY: string
}

const gate = createGate<Env>((env) => {
  const keys = JSON.parse(env.FEED_KEYS) as JWK[]
  const acknowledge = { edge: 'edge-1', secret: env.EDGE_SECRET }
  return {
    realms: [
      {
        name: 'acme',
        issuer: `${env.ORIGIN}/realms/acme`,
        audience: 'api',
        // No `jwks`: the feed also carries the issuer's keys.
        feed: { url: `${env.ORIGIN}/feed/acme`, keys, acknowledge },
      },
      {
        name: 'inhouse',
        issuer: 'acme',
        issuerClaim: 'realm',
        audience: 'none',
        jwks: { keys: [JSON.parse(env.INHOUSE_KEY) as JWK] },
        feed: { url: `${env.ORIGIN}/feed/inhouse`, keys, acknowledge },
      },
    ],
  }
})

/** Safe for any origin: without cookies, a page can do no more than the holder of the token. */
const cors = { origins: '*' } as const

const protectedWhoami = gate.protect(whoami, { cors })

export default {
  async fetch(request: Request, env: Env, ctx: { waitUntil(promise: Promise<unknown>): void }): Promise<Response> {
    // A client's Host header need not be a valid name.
    const url = URL.parse(request.url)
    if (url === null) return Response.json({ error: 'invalid_request' }, { status: 400 })
    switch (url.pathname) {
      case '/api/whoami':
        return protectedWhoami(request, env, ctx)
      case '/portcullis/feed':
        return gate.receiveFeed(request, { env, waitUntil: (promise) => ctx.waitUntil(promise) })
      case '/portcullis/status':
        return status(env)
      default:
        return Response.json({ error: 'not_found' }, { status: 404 })
    }
  },
}

function status(env: Env): Response {
  const [acme] = gate.status({ env })
  const headers = { 'access-control-allow-origin': '*' }
  return acme?.loaded ? Response.json(acme, { headers }) : Response.json({ error: 'no_feed' }, { status: 503, headers })
}
