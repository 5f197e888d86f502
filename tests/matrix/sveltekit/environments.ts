// SvelteKit 2's starter with the adapter for Node, which bundles devDependencies and leaves dependencies external.

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment, Running } from '../environment.ts'
import { serveProgram } from '../hosts/program.ts'
import type { Stage } from '../stage.ts'
import type { Workplace } from '../workplace.ts'

const BUILD = 'vite build; adapter-node; handle in src/hooks.server.ts'

async function build(place: Workplace): Promise<void> {
  await place.run('svelte-kit', ['sync'])
  await place.run('vite', ['build'])
}

function serve(place: Workplace, stage: Stage, folder: string): Promise<Running> {
  return serveProgram(place, stage, {
    command: 'node',
    parameters: ['build'],
    folder,
    port: 'given',
    variables: { HOST: '127.0.0.1' },
  })
}

async function addDependency(place: Workplace): Promise<void> {
  const file = join(place.folder, 'package.json')
  const project = JSON.parse(await readFile(file, 'utf8')) as object
  await writeFile(file, JSON.stringify({ ...project, dependencies: { portcullis: '*' } }))
}

export const environments: readonly Environment[] = [
  {
    name: 'SvelteKit 2, adapter-node, bundled',
    configuration: `${BUILD}; portcullis in devDependencies`,
    tier: 'long',
    tool: '@sveltejs/kit',
    async start(place, stage) {
      await build(place)
      return serve(place, stage, await place.copyOut('build', 'package.json'))
    },
  },
  {
    name: 'SvelteKit 2, adapter-node, external',
    configuration: `${BUILD}; portcullis in dependencies`,
    tier: 'long',
    tool: '@sveltejs/kit',
    async start(place, stage) {
      await addDependency(place)
      await build(place)
      return serve(place, stage, place.folder)
    },
  },
]
