// Finds all environments by folder.

import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Environment } from './environment.ts'

const HERE = new URL('.', import.meta.url)

export interface Entry {
  /** The folder's name. */
  tool: string
  environment: Environment
}

export async function entries(): Promise<Entry[]> {
  const found: Entry[] = []
  for (const tool of (await readdir(HERE)).sort()) {
    const file = new URL(`${tool}/environments.ts`, HERE)
    if (!existsSync(fileURLToPath(file))) continue
    const { environments } = (await import(file.href)) as { environments: readonly Environment[] }
    found.push(...environments.map((environment) => ({ tool, environment })))
  }
  return found
}

/**
 * Returns the environments in a folder with one of these names or with a name that begins with one; all if `names` is
 * empty.
 */
export function selected(all: readonly Entry[], names: readonly string[]): Entry[] {
  const isNamed = ({ tool, environment }: Entry, name: string) => tool === name || environment.name.startsWith(name)
  const unknown = names.find((name) => !all.some((entry) => isNamed(entry, name)))
  if (unknown !== undefined)
    throw new Error(
      `unknown environment; use one of:\n  ${all.map(({ environment }) => environment.name).join('\n  ')}`,
    )
  return names.length === 0 ? [...all] : all.filter((entry) => names.some((name) => isNamed(entry, name)))
}
