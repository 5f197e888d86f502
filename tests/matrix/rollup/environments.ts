// Rollup with the plugins that its guide recommends for packages.

import type { Environment, Probed } from '../environment.ts'
import { serveOrigin } from '../hosts/origin.ts'
import { servePage } from '../hosts/page.ts'
import { serveProgram } from '../hosts/program.ts'
import type { Workplace } from '../workplace.ts'

interface Row {
  name: string
  /** Its name in rollup.config.js. */
  row: string
  plugins: string
  output: string
  tier: 'short' | 'long'
}

async function bundle(place: Workplace, { row }: Row): Promise<string> {
  await place.run('rollup', ['--config', '--environment', `ROW:${row}`])
  return place.copyOut('out')
}

function environment(row: Row, start: Probed['start']): Probed {
  return {
    name: `Rollup, ${row.name}`,
    configuration: `{ output: ${row.output}, plugins: [${row.plugins}] }`,
    tier: row.tier,
    start,
  }
}

function node(row: Row, file: string): Probed {
  return environment(row, async (place, stage) =>
    serveProgram(place, stage, { command: 'node', parameters: [`out/${file}`], folder: await bundle(place, row) }),
  )
}

function origin(row: Row, file: string): Probed {
  return environment(row, async (place, stage) =>
    serveOrigin(place, stage, { command: 'node', parameters: [`out/${file}`], folder: await bundle(place, row) }),
  )
}

function page(row: Row): Probed {
  return environment(row, async (place, stage) =>
    servePage(stage, { folder: `${await bundle(place, row)}/out`, script: 'app.js' }),
  )
}

const NODE = "nodeResolve({ exportConditions: ['node'] })"
const BROWSER = 'nodeResolve({ browser: true })'

export const environments: readonly Environment[] = [
  node({ name: 'esm, node', row: 'node', plugins: NODE, output: "{ file, format: 'es' }", tier: 'short' }, 'app.mjs'),
  node(
    { name: 'cjs, node', row: 'cjs', plugins: `${NODE}, commonjs()`, output: "{ file, format: 'cjs' }", tier: 'long' },
    'app.cjs',
  ),
  node(
    {
      name: 'esm, node, nodeResolve()',
      row: 'plain',
      plugins: 'nodeResolve()',
      output: "{ file, format: 'es' }",
      tier: 'long',
    },
    'app.mjs',
  ),
  page({ name: 'esm, browser', row: 'browser', plugins: BROWSER, output: "{ dir, format: 'es' }", tier: 'long' }),
  {
    ...page({
      name: 'iife, browser',
      row: 'iife',
      plugins: `${BROWSER}, commonjs()`,
      output: "{ file, format: 'iife' }",
      tier: 'long',
    }),
    notMet: {
      because:
        'Rollup does not inline dynamic imports into an iife by default; the option is output.inlineDynamicImports: true, as in the next row',
      prints: /UMD and IIFE output formats are not supported for code-splitting builds/,
    },
  },
  page({
    name: 'iife, browser, inlineDynamicImports',
    row: 'iife-inlined',
    plugins: `${BROWSER}, commonjs()`,
    output: "{ file, format: 'iife', inlineDynamicImports: true }",
    tier: 'long',
  }),
  origin(
    { name: 'origin, esm, node', row: 'origin', plugins: NODE, output: "{ file, format: 'es' }", tier: 'long' },
    'origin.mjs',
  ),
  origin(
    {
      name: 'origin, cjs, node',
      row: 'origin-cjs',
      plugins: `${NODE}, commonjs()`,
      output: "{ file, format: 'cjs' }",
      tier: 'long',
    },
    'origin.cjs',
  ),
]
