// Bun as runtime and bundler, with its command line.

import type { Environment, Probed } from '../environment.ts'
import { serveOrigin } from '../hosts/origin.ts'
import { servePage } from '../hosts/page.ts'
import { serveProgram } from '../hosts/program.ts'
import type { Workplace } from '../workplace.ts'

async function bundle(place: Workplace, configuration: string): Promise<string> {
  await place.runLine(configuration)
  return place.copyOut('out')
}

function program(
  name: string,
  configuration: string,
  tier: 'short' | 'long',
  command: string,
  ...parameters: string[]
): Probed {
  return {
    name: `bun build, ${name}`,
    configuration,
    tier,
    start: async (place, stage) =>
      serveProgram(place, stage, { command, parameters, folder: await bundle(place, configuration) }),
  }
}

const BROWSER = 'bun build apps/page.js --target=browser --outdir=out'
const ORIGIN = 'bun build apps/origin.js --target=bun --outdir=out'
const ORIGIN_COMPILED = 'bun build apps/origin.js --compile --outfile=out/origin'

export const environments: readonly Environment[] = [
  program('node', 'bun build apps/node.js --target=node --outfile=out/app.mjs', 'short', 'node', 'out/app.mjs'),
  program(
    'node, cjs',
    'bun build apps/node.js --target=node --format=cjs --outfile=out/app.cjs',
    'long',
    'node',
    'out/app.cjs',
  ),
  program('bun', 'bun build apps/bun.js --target=bun --outdir=out', 'short', 'bun', 'out/bun.js'),
  program('--compile', 'bun build apps/bun.js --compile --outfile=out/app', 'long', 'out/app'),
  program('--compile --bytecode', 'bun build apps/bun.js --compile --bytecode --outfile=out/app', 'long', 'out/app'),
  {
    name: 'bun build, browser',
    configuration: BROWSER,
    tier: 'long',
    start: async (place, stage) =>
      servePage(stage, { folder: `${await bundle(place, BROWSER)}/out`, script: 'page.js' }),
  },
  {
    name: 'bun build, origin, bun',
    configuration: ORIGIN,
    tier: 'long',
    start: async (place, stage) =>
      serveOrigin(place, stage, { command: 'bun', parameters: ['out/origin.js'], folder: await bundle(place, ORIGIN) }),
  },
  {
    name: 'bun build, origin, --compile',
    configuration: ORIGIN_COMPILED,
    tier: 'long',
    start: async (place, stage) =>
      serveOrigin(place, stage, {
        command: 'out/origin',
        parameters: [],
        folder: await bundle(place, ORIGIN_COMPILED),
      }),
  },
]
