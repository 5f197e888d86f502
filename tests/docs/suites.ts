// The names of the suites of `cargo xtask test`, derived from their files as in `xtask/src/test/suite.rs`.

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export function suiteNames(): string[] {
  return [
    ...[
      'format/rust',
      'format/typescript',
      'edge-alone',
      'types/pkg',
      'types/www',
      'types/tests',
      'rust/lib',
      'rust/xtask',
      'rust/docs',
    ],
    ...['tests', 'xtask/tests'].flatMap(cargoTargets).map((target) => `rust/${target}`),
    ...testsBelow(join(ROOT, 'pkg/src')).map((stem) => `unit/${stem}`),
    ...testsBelow(join(ROOT, 'tests')),
  ]
}

/** Whether a suite has this name or belongs to the group with this name. */
export function isIn(suite: string, group: string): boolean {
  return suite === group || suite.startsWith(`${group}/`)
}

function cargoTargets(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (entry.isFile()) return entry.name.endsWith('.rs') ? [entry.name.slice(0, -'.rs'.length)] : []
    return existsSync(join(ROOT, folder, entry.name, 'main.rs')) ? [entry.name] : []
  })
}

/** Skips folders with their own package, whose tests other tools run. */
function testsBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isFile()) return entry.name.endsWith('.test.ts') ? [entry.name.slice(0, -'.test.ts'.length)] : []
    const below = join(folder, entry.name)
    if (!entry.isDirectory() || entry.name === 'node_modules' || existsSync(join(below, 'package.json'))) return []
    return testsBelow(below).map((stem) => `${entry.name}/${stem}`)
  })
}
