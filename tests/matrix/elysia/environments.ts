// Elysia in Bun, by a macro.

import type { Environment } from '../environment.ts'
import { serveRecipe } from '../hosts/recipe.ts'

/** npm's package of Bun's binary for this machine; no script of `bun` has run. */
const BUN = `node_modules/@oven/bun-${process.platform}-${process.arch === 'arm64' ? 'aarch64' : process.arch}/bin/bun`

export const environments: readonly Environment[] = [
  {
    name: 'Elysia, macro',
    configuration: 'tsc; bun src/app.ts',
    tier: 'long',
    async start(place, stage) {
      await place.run('tsc', [])
      return serveRecipe(place, stage, { command: BUN, parameters: ['src/app.ts'], refusal: 'gate' })
    },
  },
]
