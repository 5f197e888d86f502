// Cloudflare's plugin for Vite: the development server, and the preview of a build.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment, Running } from '../environment.ts'
import { serveProgram } from '../hosts/program.ts'
import type { Stage } from '../stage.ts'
import type { Workplace } from '../workplace.ts'

async function serve(place: Workplace, stage: Stage, commands: readonly string[]): Promise<Running> {
  // Wrangler's file of local variables.
  await writeFile(join(place.folder, '.dev.vars'), `GATE_OPTIONS='${stage.gateOptions}'\n`)
  for (const command of commands.slice(0, -1)) await place.run('vite', [command])
  return serveProgram(place, stage, {
    command: 'vite',
    parameters: [commands.at(-1) ?? '', '--port', '$PORT', '--strictPort', '--host', '127.0.0.1'],
    port: 'given',
    // Otherwise a request for the data of `request.cf` is sent.
    variables: { CLOUDFLARE_CF_FETCH_ENABLED: 'false' },
  })
}

function vite(commands: readonly string[]): Environment {
  return {
    name: `@cloudflare/vite-plugin, ${commands.join(' and ')}`,
    configuration: `plugins: [cloudflare()]; ${commands.map((command) => `vite ${command}`).join('; ')}`,
    tier: 'long',
    tool: '@cloudflare/vite-plugin',
    node: 22,
    start: (place, stage) => serve(place, stage, commands),
  }
}

export const environments: readonly Environment[] = [vite(['build', 'preview']), vite(['dev'])]
