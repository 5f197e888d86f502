// Koa, with a middleware.

import type { Environment } from '../environment.ts'
import { serveRecipe } from '../hosts/recipe.ts'

export const environments: readonly Environment[] = [
  {
    name: 'Koa, middleware',
    configuration: 'node src/app.js',
    tier: 'long',
    start: (place, stage) =>
      serveRecipe(place, stage, { command: 'node', parameters: ['src/app.js'], refusal: 'gate' }),
  },
]
