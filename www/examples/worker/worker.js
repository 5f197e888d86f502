// A Cloudflare worker that lists notes with the scope notes:read, and adds one with notes:write.

import { createGate } from 'portcullis/edge'

const gate = createGate(({ ISSUER, ORIGIN, FEED_KEY }) => ({
  realms: [
    {
      name: 'acme',
      issuer: ISSUER,
      audience: 'api',
      jwks: `${ISSUER}/protocol/openid-connect/certs`,
      feed: { url: `${ORIGIN}/feed/acme`, keys: [JSON.parse(FEED_KEY)] },
    },
  ],
}))

const list = gate.protect((request, env, ctx, auth) => Response.json({ notesOf: auth.claims.sub }), {
  scope: ['notes:read'],
})
const add = gate.protect((request, env, ctx, auth) => Response.json({ addedBy: auth.claims.sub }), {
  scope: ['notes:write'],
})

export default {
  fetch: (request, env, ctx) => (request.method === 'POST' ? add : list)(request, env, ctx),
}
