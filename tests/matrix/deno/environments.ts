// Deno's bundler, with its command line.

import type { Environment, Probed } from '../environment.ts'
import { servePage } from '../hosts/page.ts'
import { serveProgram } from '../hosts/program.ts'
import type { Workplace } from '../workplace.ts'

const RUN = ['run', '--quiet', '--allow-net', '--allow-env']

async function bundle(place: Workplace, configuration: string): Promise<string> {
  await place.runLine(configuration)
  return place.copyOut('out')
}

function program(name: string, configuration: string, command: string, ...parameters: string[]): Probed {
  return {
    name,
    configuration,
    tier: 'long',
    start: async (place, stage) =>
      serveProgram(place, stage, { command, parameters, folder: await bundle(place, configuration) }),
  }
}

const BROWSER = 'deno bundle --quiet --platform=browser --output=out/app.js apps/page.js'

export const environments: readonly Environment[] = [
  program('deno bundle', 'deno bundle --quiet --output=out/app.js apps/deno.js', 'deno', ...RUN, 'out/app.js'),
  program(
    'deno bundle, minified',
    'deno bundle --quiet --minify --output=out/app.js apps/deno.js',
    'deno',
    ...RUN,
    'out/app.js',
  ),
  {
    name: 'deno bundle, browser',
    configuration: BROWSER,
    tier: 'long',
    start: async (place, stage) =>
      servePage(stage, { folder: `${await bundle(place, BROWSER)}/out`, script: 'app.js' }),
  },
]
