import { createGate } from 'portcullis/edge'
import { notes } from './notes.ts'

interface Env {
  ISSUER: string
  ORIGIN: string
  FEED_KEY: string
}

const gate = createGate(({ ISSUER, ORIGIN, FEED_KEY }: Env) => ({
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

export default { fetch: notes(gate) }
