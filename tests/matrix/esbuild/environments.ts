// esbuild with its command line and the options that its guide recommends for each platform.

import type { Environment, Probed } from '../environment.ts'
import { serveOrigin } from '../hosts/origin.ts'
import { servePage } from '../hosts/page.ts'
import { serveProgram } from '../hosts/program.ts'
import { serveWorkerd } from '../hosts/workerd.ts'
import type { Workplace } from '../workplace.ts'

/** Bundles with this command line. Returns a folder elsewhere that contains only the output. */
async function bundle(place: Workplace, configuration: string): Promise<string> {
  await place.runLine(configuration)
  return place.copyOut('out')
}

function node(name: string, output: string, flags: string, tier: 'short' | 'long' = 'short'): Probed {
  const configuration = `esbuild apps/node.js --bundle --platform=node ${flags} --outfile=out/${output}`
  return {
    name: `esbuild, ${name}, node`,
    configuration,
    tier,
    start: async (place, stage) =>
      serveProgram(place, stage, {
        command: 'node',
        parameters: [`out/${output}`],
        folder: await bundle(place, configuration),
      }),
  }
}

function page(name: string, flags: string, tier: 'short' | 'long'): Probed {
  const configuration = `esbuild apps/page.js --bundle ${flags} --outfile=out/app.js`
  return {
    name: `esbuild, ${name}, browser`,
    configuration,
    tier,
    start: async (place, stage) =>
      servePage(stage, { folder: `${await bundle(place, configuration)}/out`, script: 'app.js' }),
  }
}

function origin(name: string, output: string, flags: string): Probed {
  const configuration = `esbuild apps/origin.js --bundle --platform=node ${flags} --outfile=out/${output}`
  return {
    name: `esbuild, origin, ${name}, node`,
    configuration,
    tier: 'long',
    start: async (place, stage) =>
      serveOrigin(place, stage, {
        command: 'node',
        parameters: [`out/${output}`],
        folder: await bundle(place, configuration),
      }),
  }
}

const WORKERD =
  'esbuild apps/worker.js --bundle --format=esm --conditions=workerd --loader:.wasm=copy --outfile=out/worker.js'

export const environments: readonly Environment[] = [
  node('esm', 'app.mjs', '--format=esm'),
  node('cjs', 'app.cjs', '--format=cjs'),
  node('esm, minified', 'app.mjs', '--format=esm --minify', 'long'),
  page('esm', '--format=esm', 'short'),
  page('iife', '--format=iife', 'long'),
  {
    name: 'esbuild, esm, workerd',
    configuration: WORKERD,
    tier: 'short',
    start: async (place, stage) =>
      serveWorkerd(stage, { folder: `${await bundle(place, WORKERD)}/out`, main: 'worker.js' }),
  },
  origin('esm', 'origin.mjs', '--format=esm'),
  origin('cjs', 'origin.cjs', '--format=cjs'),
]
