// Rollup for Node, with the plugins that its guide has for packages.

import type { Environment } from '../environment.ts'
import { serveProgram } from '../hosts/program.ts'
import type { Workplace } from '../workplace.ts'

async function bundle(place: Workplace, file: string): Promise<string> {
  await place.run('rollup', ['--config', file])
  return place.copyOut('out')
}

export const environments: readonly Environment[] = [
  {
    name: 'Rollup, esm, node',
    configuration: "plugins: [nodeResolve({ exportConditions: ['node'] })]",
    tier: 'long',
    start: async (place, stage) =>
      serveProgram(place, stage, { command: 'node', parameters: ['out/app.mjs'], folder: await bundle(place, 'rollup.config.js') }),
  },
]
