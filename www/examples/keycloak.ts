// An origin beside a Keycloak realm. `npx portcullis init` sets the realm up; the guide shows the edge. BASE_URL,
// REALM, READER_SECRET and FEED_KEY (the content of feed-key.json) come from the environment.

import { createOrigin } from 'portcullis/origin'
import { keycloakConnector } from 'portcullis/connectors/keycloak'
import { serve } from 'portcullis/origin/node'
import { sqliteStore } from 'portcullis/origin/sqlite'

const {
  BASE_URL = 'http://127.0.0.1:8080',
  REALM = 'acme',
  READER_SECRET = '',
  FEED_KEY = '{}',
  PORT = '8780',
} = process.env
const issuer = `${BASE_URL}/realms/${REALM}`

const origin = await createOrigin({
  store: sqliteStore({ path: 'revocations.db' }),
  signingKey: JSON.parse(FEED_KEY),
  realms: [
    { name: REALM, issuer, audience: 'api', profile: 'keycloak', jwks: `${issuer}/protocol/openid-connect/certs` },
  ],
  connectors: [
    keycloakConnector({
      baseUrl: BASE_URL,
      realm: REALM,
      serviceAccount: { clientId: 'portcullis-reader', clientSecret: READER_SECRET },
    }),
  ],
})
const server = await serve(origin, { port: Number(PORT) })
console.log(`Keycloak's clients send their logouts to ${server.url}/realms/${REALM}/backchannel-logout`)

process.once('SIGTERM', async () => {
  const closed = server.close()
  await origin.close()
  await closed
})
