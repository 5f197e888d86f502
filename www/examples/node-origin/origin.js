// The origin: records revocations in a file and serves the signed feed that every gate reads. ISSUER and
// FEED_SIGNING_KEY (the content of feed-key.json, which `npx portcullis keygen` makes) come from the environment.

import { createOrigin } from 'portcullis/origin'
import { serve } from 'portcullis/origin/node'
import { sqliteStore } from 'portcullis/origin/sqlite'

const { ISSUER, FEED_SIGNING_KEY, PORT = '8780' } = process.env

const origin = await createOrigin({
  store: sqliteStore({ path: 'revocations.db' }),
  signingKey: JSON.parse(FEED_SIGNING_KEY),
  realms: [{ name: 'acme', issuer: ISSUER, audience: 'api', jwks: `${ISSUER}/protocol/openid-connect/certs` }],
})
const server = await serve(origin, { port: Number(PORT) })
console.log(`gates read ${server.url}/feed/acme`)

process.once('SIGTERM', async () => {
  const closed = server.close()
  await origin.close()
  await closed
})
