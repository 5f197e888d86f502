// tRPC with its fetch adapter and a middleware of procedures.

import type { Environment } from '../environment.ts'
import { serveRecipe } from '../hosts/recipe.ts'

export const environments: readonly Environment[] = [
  {
    name: 'tRPC, procedure',
    configuration: 'tsc; NODE_ENV=production node dist/app.js',
    tier: 'long',
    tool: '@trpc/server',
    async start(place, stage) {
      await place.run('tsc', [])
      const options = { command: 'node', parameters: ['dist/app.js'], variables: { NODE_ENV: 'production' } }
      return serveRecipe(place, stage, { ...options, refusal: 'framework', subject: dataOf })
    },
  },
]

/** Unwraps the result of a procedure. */
function dataOf(body: unknown): unknown {
  return (body as { result: { data: { sub: unknown } } }).result.data.sub
}
