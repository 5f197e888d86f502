// An origin on its own port, with a route that responds as a revocation does but records nothing.

import { keycloakConnector } from 'portcullis/connectors/keycloak'
import { createOrigin } from 'portcullis/origin'
import { serve } from 'portcullis/origin/node'
import { sqliteStore } from 'portcullis/origin/sqlite'
import type { JWK } from 'portcullis'
import { SIGNING_KEY } from '../feed.ts'
import { AUDIENCE, ISSUER } from '../tokens.ts'

const { BENCH_PORT = '', BENCH_DATABASE = '', BENCH_KEY = '', BENCH_KEYCLOAK = '' } = process.env
/** With Keycloak, its issuer and keys are used; otherwise those of the benchmark. */
const isKeycloak = BENCH_KEYCLOAK !== ''
const issuer = isKeycloak ? `${BENCH_KEYCLOAK}/realms/bench` : ISSUER
const jwks = isKeycloak ? `${issuer}/protocol/openid-connect/certs` : { keys: [JSON.parse(BENCH_KEY) as JWK] }
const origin = await createOrigin({
  store: sqliteStore({ path: BENCH_DATABASE }),
  realms: [{ name: 'bench', issuer, audience: AUDIENCE, jwks }],
  connectors: isKeycloak ? [keycloakConnector({ baseUrl: BENCH_KEYCLOAK, realm: 'bench' })] : [],
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
