// A single file for AWS Lambda, built with the commands of AWS's page on Node functions, SAM (`BuildMethod: esbuild`)
// and CDK (`NodejsFunction`).

import { basename } from 'node:path'
import type { Environment, Probed } from '../environment.ts'
import { serveProgram } from '../hosts/program.ts'

function lambda(name: string, configuration: string, tier: 'short' | 'long' = 'long'): Probed {
  return {
    name: `Lambda, ${name}`,
    configuration,
    tier,
    tool: 'esbuild',
    start: async (place, stage) => {
      await place.runLine(configuration)
      const output = /--outfile=(\S+)/.exec(configuration)?.[1] ?? ''
      const folder = await place.copyOut(output, 'invoke.cjs')
      const [file = ''] = basename(output).split('.')
      return serveProgram(place, stage, {
        command: 'node',
        parameters: ['invoke.cjs'],
        folder,
        variables: { HANDLER: `${file}.handler` },
      })
    },
  }
}

export const environments: readonly Environment[] = [
  lambda(
    'AWS guide',
    'esbuild app.js --bundle --minify --sourcemap --platform=node --target=es2020 --outfile=dist/index.js',
  ),
  lambda('SAM', 'esbuild app.js --bundle --minify --target=es2020 --format=cjs --platform=node --outfile=dist/app.js'),
  lambda(
    'SAM, esm',
    'esbuild app.js --bundle --minify --target=es2020 --format=esm --platform=node --outfile=dist/app.mjs',
  ),
  lambda(
    'CDK',
    'esbuild app.js --bundle --target=node20 --platform=node --external:@aws-sdk/* --external:@smithy/* --outfile=dist/index.js',
  ),
]
