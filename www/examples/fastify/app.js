// Lists notes with the scope notes:read, and adds one with notes:write.

import Fastify from 'fastify'
import { createGate } from 'portcullis/edge'
import portcullis from 'portcullis/fastify'

const { ISSUER, ORIGIN, FEED_KEY, PORT = '3000' } = process.env
const gate = createGate({
  realms: [
    {
      name: 'acme',
      issuer: ISSUER,
      audience: 'api',
      jwks: `${ISSUER}/protocol/openid-connect/certs`,
      feed: { url: `${ORIGIN}/feed/acme`, keys: [JSON.parse(FEED_KEY)] },
    },
  ],
})

const app = Fastify()
await app.register(portcullis, { gate, routes: 'chosen' })
app.get('/notes', { onRequest: app.protect({ scope: ['notes:read'] }) }, ({ auth }) => ({ notesOf: auth.claims.sub }))
app.post('/notes', { onRequest: app.protect({ scope: ['notes:write'] }) }, ({ auth }) => ({ addedBy: auth.claims.sub }))

await app.listen({ port: Number(PORT) })
