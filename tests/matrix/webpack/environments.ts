// webpack 5 with webpack-cli: mode, target and entry are set, everything else is the default.

import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment, Probed } from '../environment.ts'
import { serveOrigin } from '../hosts/origin.ts'
import { servePage } from '../hosts/page.ts'
import { serveProgram } from '../hosts/program.ts'
import type { Workplace } from '../workplace.ts'

interface Row {
  name: string
  /** Its name in webpack.config.js. */
  configuration: string
  options: string
  tier: 'short' | 'long'
}

async function bundle(place: Workplace, configuration: string): Promise<string> {
  await place.run('webpack', ['--config-name', configuration])
  return place.copyOut('out')
}

function row({ name, options, tier }: Row, start: Probed['start']): Probed {
  return { name: `webpack, ${name}`, configuration: options, tier, start }
}

function node(each: Row, file: string): Probed {
  return row(each, async (place, stage) =>
    serveProgram(place, stage, {
      command: 'node',
      parameters: [`out/${file}`],
      folder: await bundle(place, each.configuration),
    }),
  )
}

function page(each: Row): Probed {
  return row(each, async (place, stage) =>
    servePage(stage, { folder: `${await bundle(place, each.configuration)}/out`, script: 'app.js' }),
  )
}

export const environments: readonly Environment[] = [
  node(
    { name: 'node', configuration: 'node', options: "{ mode: 'production', target: 'node' }", tier: 'short' },
    'app.js',
  ),
  node(
    {
      name: 'node, development',
      configuration: 'development',
      options: "{ mode: 'development', target: 'node' }",
      tier: 'long',
    },
    'app.js',
  ),
  node(
    {
      name: 'node, esm',
      configuration: 'node-esm',
      options:
        "{ mode: 'production', target: 'node', experiments: { outputModule: true }, output: { module: true, chunkFormat: 'module' } }",
      tier: 'long',
    },
    'app.mjs',
  ),
  page({ name: 'web', configuration: 'web', options: "{ mode: 'production', target: 'web' }", tier: 'long' }),
  page({
    name: 'web, worker by its URL',
    configuration: 'web-worker',
    options: "{ mode: 'production', target: 'web' }",
    tier: 'long',
  }),
  row(
    {
      name: 'webworker',
      configuration: 'webworker',
      options: "{ mode: 'production', target: 'webworker' }",
      tier: 'long',
    },
    async (place, stage) => {
      await place.run('webpack', ['--config-name', 'webworker'])
      for (const file of ['built-worker-page.js', 'worker-client.js'])
        await cp(join(place.folder, 'apps', file), join(place.folder, 'out', file))
      return servePage(stage, { folder: `${await place.copyOut('out')}/out`, script: 'built-worker-page.js' })
    },
  ),
  row(
    { name: 'origin, node', configuration: 'origin', options: "{ mode: 'production', target: 'node' }", tier: 'long' },
    async (place, stage) =>
      serveOrigin(place, stage, {
        command: 'node',
        parameters: ['out/origin.js'],
        folder: await bundle(place, 'origin'),
      }),
  ),
]
