// `pkg/THIRD-PARTY-NOTICES.txt` against the crates that are linked into the wasm modules: each that is not available
// under Apache-2.0, the licence of the package, is in it with its version and its licence's text.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

interface Crate {
  id: string
  name: string
  version: string
  license: string | null
  targets: { kind: string[] }[]
}

interface Metadata {
  packages: Crate[]
  resolve: { nodes: { id: string; deps: { pkg: string; dep_kinds: { kind: string | null }[] }[] }[] }
}

test('lists each linked crate that is not under Apache-2.0, with its version and licence', () => {
  const notices = readFileSync(join(ROOT, 'pkg/THIRD-PARTY-NOTICES.txt'), 'utf8')
  const sections = [...notices.matchAll(/^(.+)\n-+\n\n(?=\S)/gm)].map(([, title]) => title)
  const linked = linkedCrates().filter(({ license }) => !license?.includes('Apache-2.0'))
  const titles = linked.map(({ name, version, license }) => `${name} ${version} (${license})`)
  assert.ok(titles.length > 3, `${titles.length} crates`)
  assert.deepEqual(sections, titles.sort())
  const texts = notices.split(/^.+\n-+\n\n(?=\S)/m).slice(1)
  for (const [index, text] of texts.entries()) {
    assert.match(text, /Redistribution and use in source and binary forms|Permission is hereby granted/, titles[index])
  }
})

/** Returns the crates that the crate links for wasm32, without procedural macros and what only builds need. */
function linkedCrates(): Crate[] {
  const flags = ['--locked', '--format-version=1', '--features=origin,wasm', '--filter-platform=wasm32-unknown-unknown']
  const output = execFileSync('cargo', ['metadata', ...flags], { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 })
  const { packages, resolve } = JSON.parse(output.toString()) as Metadata
  const crates = new Map(packages.map((crate) => [crate.id, crate]))
  const uses = new Map(resolve.nodes.map(({ id, deps }) => [id, deps]))
  const found = new Set<Crate>()
  const visit = (id: string | undefined): void => {
    const crate = crates.get(id ?? '')
    if (crate === undefined || found.has(crate) || crate.targets.some(({ kind }) => kind.includes('proc-macro'))) return
    found.add(crate)
    for (const { pkg, dep_kinds } of uses.get(crate.id) ?? []) {
      if (dep_kinds.some(({ kind }) => kind === null)) visit(pkg)
    }
  }
  visit(packages.find(({ name }) => name === 'portcullis')?.id)
  return [...found]
}
