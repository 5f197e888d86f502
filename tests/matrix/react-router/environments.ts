// React Router in framework mode with its Node server and a route's middleware.

import type { Environment } from '../environment.ts'
import { serveRecipe } from '../hosts/recipe.ts'

export const environments: readonly Environment[] = [
  {
    name: 'React Router, middleware',
    configuration:
      'vite.config.ts: plugins [reactRouter()]; react-router typegen; tsc; react-router build; react-router-serve build/server/index.js',
    tier: 'long',
    node: 22,
    async start(place, stage) {
      await place.run('react-router', ['typegen'])
      await place.run('tsc', [])
      await place.run('react-router', ['build'])
      const options = {
        command: 'react-router-serve',
        parameters: ['build/server/index.js'],
        port: 'given',
        variables: { HOST: '127.0.0.1' },
      } as const
      return serveRecipe(place, stage, { ...options, refusal: 'gate' })
    },
  },
]
