// The names of the suites of `cargo xtask test`, found by their files as `xtask/src/test/suite.rs` finds them.

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export function suiteNames(): string[] {
  return [
    ...['format', 'edge-alone', 'types/pkg', 'types/www', 'types/tests', 'rust/lib', 'rust/xtask', 'rust/docs'],
    ...['tests', 'xtask/tests'].flatMap(cargoTargets).map((target) => `rust/${target}`),
    ...testsBelow(join(ROOT, 'pkg/src')).map((stem) => `unit/${stem}`),
    ...testsBelow(join(ROOT, 'tests')),
  ]
}

/** Whether a suite has that name or belongs to the group of that name. */
export function isIn(suite: string, group: string): boolean {
  return suite === group || suite.startsWith(`${group}/`)
}

function cargoTargets(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (entry.isFile()) return entry.name.endsWith('.rs') ? [entry.name.slice(0, -'.rs'.length)] : []
    return existsSync(join(ROOT, folder, entry.name, 'main.rs')) ? [entry.name] : []
  })
}

/** Leaves out folders with a package of their own: their tests are run by other tools. */
function testsBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isFile()) return entry.name.endsWith('.test.ts') ? [entry.name.slice(0, -'.test.ts'.length)] : []
    const below = join(folder, entry.name)
    if (!entry.isDirectory() || entry.name === 'node_modules' || existsSync(join(below, 'package.json'))) return []
    return testsBelow(below).map((stem) => `${entry.name}/${stem}`)
  })
}
