// A worker that accepts a provider's tokens, with the provider's options and the origin's feed.

import { createGate, type JWK } from 'portcullis/edge'
import { authentik } from 'portcullis/providers'

export interface ProviderWorkerEnv {
  /** URL of the provider. */
  BASE_URL: string
  FEED_URL: string
  /** The feed's public key as JSON. */
  FEED_KEY: string
}

const gate = createGate((env: ProviderWorkerEnv) => ({
  realms: [
    {
      ...authentik({ baseUrl: env.BASE_URL, application: 'notes', clientId: 'notes-app' }),
      feed: { url: env.FEED_URL, keys: [JSON.parse(env.FEED_KEY) as JWK] },
    },
  ],
}))

export default {
  fetch: gate.protect((_request, _env, _ctx, { claims }) => Response.json({ sub: claims.sub })),
}
