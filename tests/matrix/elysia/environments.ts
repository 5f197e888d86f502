// Elysia in Bun, with a macro.

import type { Environment } from '../environment.ts'
import { serveRecipe } from '../hosts/recipe.ts'

export const environments: readonly Environment[] = [
  {
    name: 'Elysia, macro',
    configuration: 'tsc; bun src/app.ts',
    tier: 'long',
    async start(place, stage) {
      await place.run('tsc', [])
      return serveRecipe(place, stage, { command: 'bun', parameters: ['src/app.ts'], refusal: 'gate' })
    },
  },
]
