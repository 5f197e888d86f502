// Lists notes with the scope notes:read, and adds one with notes:write.

import express from 'express'
import { createGate } from 'portcullis/edge'
import { protect } from 'portcullis/express'

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

const app = express()
app.get('/notes', protect(gate, { scope: ['notes:read'] }), (req, res) => res.json({ notesOf: req.auth.claims.sub }))
app.post('/notes', protect(gate, { scope: ['notes:write'] }), (req, res) => res.json({ addedBy: req.auth.claims.sub }))

app.listen(PORT)
