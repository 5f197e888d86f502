import { createGate } from 'portcullis/edge'

// A function, because `next build` loads this module without the environment variables of production.
export const gate = createGate(() => {
  const { ISSUER, ORIGIN, FEED_KEY = '' } = process.env
  return {
    realms: [
      {
        name: 'acme',
        issuer: `${ISSUER}`,
        audience: 'api',
        jwks: `${ISSUER}/protocol/openid-connect/certs`,
        feed: { url: `${ORIGIN}/feed/acme`, keys: [JSON.parse(FEED_KEY)] },
      },
    ],
  }
})
