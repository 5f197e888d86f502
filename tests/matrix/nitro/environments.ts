// Nitro 2: its server for Node, and a module worker for Cloudflare.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment, Running } from '../environment.ts'
import { serveRecipe } from '../hosts/recipe.ts'
import { serveWorkerd } from '../hosts/workerd.ts'
import type { Stage } from '../stage.ts'
import type { Workplace } from '../workplace.ts'

const NODE = 'nitropack build'
const WORKER = 'nitropack build --preset cloudflare_module'
/** The starter's configuration with this option. */
const WITH_WASM = `export default defineNitroConfig({
  compatibilityDate: '2026-11-01',
  srcDir: 'server',
  imports: false,
  experimental: { wasm: true },
})
`

async function build(place: Workplace, configuration: string): Promise<string> {
  await place.runLine(configuration)
  return place.copyOut('.output')
}

async function serveWorker(place: Workplace, stage: Stage): Promise<Running> {
  const folder = `${await build(place, WORKER)}/.output/server`
  return serveWorkerd(stage, { folder, main: 'index.mjs', compatibilityFlags: ['nodejs_compat'] })
}

export const environments: readonly Environment[] = [
  {
    name: 'Nitro 2, node_server',
    configuration: NODE,
    tier: 'long',
    tool: 'nitropack',
    start: async (place, stage) =>
      serveRecipe(place, stage, {
        command: 'node',
        parameters: ['.output/server/index.mjs'],
        refusal: 'gate',
        folder: await build(place, NODE),
        port: 'given',
        variables: { HOST: '127.0.0.1' },
      }),
  },
  {
    name: 'Nitro 2, cloudflare_module, experimental.wasm',
    configuration: `${WORKER}; experimental: { wasm: true }`,
    tier: 'long',
    tool: 'nitropack',
    async start(place, stage) {
      await writeFile(join(place.folder, 'nitro.config.ts'), WITH_WASM)
      return serveWorker(place, stage)
    },
  },
  {
    name: 'Nitro 2, cloudflare_module',
    configuration: WORKER,
    tier: 'long',
    tool: 'nitropack',
    notMet: {
      because:
        'Nitro 2 includes a WebAssembly module in a build only if an option is set, and workerd does not compile modules at run time',
      prints: /portcullis needs a wasm module: set experimental\.wasm to true in the configuration of Nitro/,
    },
    start: serveWorker,
  },
]
