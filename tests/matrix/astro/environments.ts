// Astro with its Node adapter and a middleware.

import type { Environment } from '../environment.ts'
import { serveRecipe } from '../hosts/recipe.ts'

export const environments: readonly Environment[] = [
  {
    name: 'Astro, middleware',
    configuration:
      "astro.config.mjs: output 'server', adapter node({ mode: 'standalone' }); astro build; node dist/server/entry.mjs",
    tier: 'long',
    node: 22,
    async start(place, stage) {
      await place.run('astro', ['build'])
      const options = {
        command: 'node',
        parameters: ['dist/server/entry.mjs'],
        port: 'given',
        variables: { HOST: '127.0.0.1' },
      } as const
      return serveRecipe(place, stage, { ...options, refusal: 'gate' })
    },
  },
]
