// An origin on a port of its own, and a route that answers as a revocation does, without recording one.

import { createOrigin } from 'portcullis/origin'
import { serve } from 'portcullis/origin/node'
import { sqliteStore } from 'portcullis/origin/sqlite'
import type { JWK } from 'portcullis'
import { SIGNING_KEY } from '../feed.ts'
import { AUDIENCE, ISSUER } from '../tokens.ts'

const { BENCH_PORT = '', BENCH_DATABASE = '', BENCH_KEY = '' } = process.env
const origin = await createOrigin({
  store: sqliteStore({ path: BENCH_DATABASE }),
  realms: [{ name: 'bench', issuer: ISSUER, audience: AUDIENCE, jwks: { keys: [JSON.parse(BENCH_KEY) as JWK] } }],
  signingKey: SIGNING_KEY,
})
await serve(
  async (request) => {
    if (!request.url.endsWith('/constant')) return origin.fetch(request)
    await request.text()
    return Response.json({ revoked: true })
  },
  { port: Number(BENCH_PORT) },
)
