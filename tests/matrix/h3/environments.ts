// h3 on Node, with a middleware.

import type { Environment } from '../environment.ts'
import { serveRecipe } from '../hosts/recipe.ts'

export const environments: readonly Environment[] = [
  {
    name: 'h3, middleware',
    configuration: 'tsc; node dist/app.js',
    tier: 'long',
    async start(place, stage) {
      await place.run('tsc', [])
      return serveRecipe(place, stage, { command: 'node', parameters: ['dist/app.js'], refusal: 'gate' })
    },
  },
]
