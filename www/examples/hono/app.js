// Lists notes with the scope notes:read, and adds one with notes:write. On Workers, export the app instead of serving
// it.

import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { createGate } from 'portcullis/edge'
import { protect } from 'portcullis/hono'

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

const app = new Hono()
app.get('/notes', protect(gate, { scope: ['notes:read'] }), (c) => c.json({ notesOf: c.get('auth').claims.sub }))
app.post('/notes', protect(gate, { scope: ['notes:write'] }), (c) => c.json({ addedBy: c.get('auth').claims.sub }))

serve({ fetch: app.fetch, port: Number(PORT) })
