// Serves a bundle in workerd, the runtime of Cloudflare Workers.

import { readdir } from 'node:fs/promises'
import { freePort } from '../../../www/demo/child.ts'
import { serveModules } from '../../../www/demo/workerd.ts'
import type { Running } from '../environment.ts'
import type { Stage } from '../stage.ts'
import { askAt } from './program.ts'

interface WorkerdOptions {
  /** The folder of the modules: every `.js`, `.mjs` and `.wasm` file, named by its path in this folder. */
  folder: string
  /** The module with the handler. */
  main: string
  compatibilityFlags?: readonly string[]
}

export async function serveWorkerd(
  stage: Stage,
  { folder, main, compatibilityFlags = [] }: WorkerdOptions,
): Promise<Running> {
  const files = (await readdir(folder, { recursive: true })).filter((file) => /\.(m?js|wasm)$/.test(file))
  const port = await freePort()
  const modules = [main, ...files.filter((file) => file !== main)]
  const bindings = { GATE_OPTIONS: stage.gateOptions }
  const worker = await serveModules(
    { name: 'worker', folder, port, bindings, readyPath: '/', compatibilityFlags },
    modules,
  )
  const url = `http://127.0.0.1:${port}`
  return { ask: (token, scope) => askAt(url, token, scope), close: () => worker.stop('SIGKILL') }
}
