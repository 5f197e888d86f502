// SvelteKit 3 with its Node adapter and the hook `handle`.

import type { Environment } from '../environment.ts'
import { serveRecipe } from '../hosts/recipe.ts'

export const environments: readonly Environment[] = [
  {
    name: 'SvelteKit 3, handle',
    configuration:
      'vite.config.ts: plugins [sveltekit({ adapter: node() })]; svelte-kit sync; tsc; vite build; node build',
    tier: 'long',
    tool: '@sveltejs/kit',
    node: 22,
    async start(place, stage) {
      await place.run('svelte-kit', ['sync'])
      await place.run('tsc', [])
      await place.run('vite', ['build'])
      const options = {
        command: 'node',
        parameters: ['build'],
        port: 'given',
        variables: { HOST: '127.0.0.1' },
      } as const
      return serveRecipe(place, stage, { ...options, refusal: 'gate' })
    },
  },
]
