// `.github/DEPENDENCIES.md` against the manifests: each dependency has a row with its licence, and each row a dependency.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const CARGO = ['.', 'xtask', 'xtask/wasm-bind', 'tests/fuzz', 'tests/bench/bare']
const NPM = ['pkg', 'tests', 'www']

interface Row {
  name: string
  folders: string[]
  licence: string
  decision: string
}

interface Manifest {
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')
const code = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text)

/** Returns the rows of the table below a heading. */
function rowsOf(heading: string): Row[] {
  const section =
    read('.github/DEPENDENCIES.md')
      .split(/^## /m)
      .find((part) => part.startsWith(`${heading}\n`)) ?? ''
  const lines = section.split('\n').filter((line) => line.startsWith('| `'))
  return lines.map((line) => {
    const [, name = '', folders = '', licence = '', decision = ''] = line.split('|').map((cell) => cell.trim())
    return { name: code(name)[0] ?? '', folders: code(folders), licence, decision }
  })
}

const pairsOf = (rows: readonly Row[]): string[] =>
  rows.flatMap(({ name, folders }) => folders.map((folder) => `${name} in ${folder}`)).sort()

/** Returns the names below each `[…dependencies]` of a Cargo.toml. */
function cargoNames(folder: string): string[] {
  const tables = read(join(folder, 'Cargo.toml')).split(/^\[/m)
  const lists = tables.filter((table) => /^(?:target\..*\.)?(?:dev-|build-)?dependencies\]/.test(table))
  return lists.flatMap((table) => [...table.matchAll(/^([\w-]+)(?:\.\w+)? *=/gm)].map(([, name = '']) => name))
}

function npmNames(folder: string): string[] {
  const { dependencies, devDependencies, peerDependencies } = JSON.parse(read(join(folder, 'package.json'))) as Manifest
  return Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies })
}

function expected(folders: readonly string[], namesOf: (folder: string) => string[]): string[] {
  return folders.flatMap((folder) => [...new Set(namesOf(folder))].map((name) => `${name} in ${folder}`)).sort()
}

test('each crate has a row, and each row a crate', (t) => {
  const pairs = expected(CARGO, cargoNames)
  t.diagnostic(`${pairs.length} dependencies`)
  assert.ok(pairs.length > 20)
  assert.deepEqual(pairsOf(rowsOf('Rust')), pairs)
})

test('each package of npm has a row, and each row a package', (t) => {
  const pairs = expected(NPM, npmNames)
  t.diagnostic(`${pairs.length} dependencies`)
  assert.ok(pairs.length > 50)
  assert.deepEqual(pairsOf(rowsOf('npm')), pairs)
})

test('licences are those of the lock files', () => {
  for (const { name, folders, licence } of rowsOf('npm')) {
    for (const folder of folders) {
      const { packages } = JSON.parse(read(join(folder, 'package-lock.json'))) as {
        packages: Record<string, { license?: string }>
      }
      const stated = packages[`node_modules/${name}`]?.license
      if (stated !== undefined) assert.equal(licence, stated, `${name} in ${folder}`)
    }
  }
})

test('each row states a licence and a reason', () => {
  const rows = [...rowsOf('Rust'), ...rowsOf('npm')]
  assert.deepEqual(
    rows.filter(({ licence, decision }) => licence === '' || decision === '').map(({ name }) => name),
    [],
  )
})
