// Compares the code with the baseline of www/docs/browsers.md: each newer API must have a fallback.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import ts from 'typescript'
import { API_VERSIONS } from './testing/api-versions.ts'

const SRC = join(dirname(fileURLToPath(import.meta.url)), '..')
const ENTRY = join(SRC, 'browser/index.ts')
const PAGE = readFileSync(join(SRC, '../../www/docs/browsers.md'), 'utf8')

function rowsOf(name: string): string[][] {
  const [, table = ''] = new RegExp(`<!-- table: ${name} -->\n(.*?)<!-- /table -->`, 's').exec(PAGE) ?? []
  const [, , ...rows] = table.trim().split('\n')
  assert.ok(rows.length > 0)
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )
}

const BASELINE = (rowsOf('baseline')[0] ?? []).map(Number.parseFloat)
/** Names in the code of the APIs that the page lists as possibly missing. */
const MAY_BE_MISSING: Record<string, string[]> = {
  'navigator.locks': ['NavigatorLocks.locks', 'LockManager.request'],
  BroadcastChannel: [
    'BroadcastChannel',
    'BroadcastChannel.close',
    'BroadcastChannel.onmessage',
    'BroadcastChannel.postMessage',
  ],
  'AbortSignal.reason': ['AbortSignal.reason'],
  localStorage: ['localStorage'],
}

/**
 * Names declared by a TypeScript library, as `Interface.member` or as a global, with the libraries that declare them.
 */
function usedNames(): Map<string, Set<string>> {
  const root = join(SRC, '..')
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile).config,
    ts.sys,
    root,
  )
  const program = ts.createProgram([ENTRY], { ...options, types: [], noEmit: true })
  const checker = program.getTypeChecker()
  const used = new Map<string, Set<string>>()
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return
    if (ts.isIdentifier(node)) {
      const symbol = symbolOf(checker, node)
      for (const declaration of symbol?.declarations ?? []) {
        const [, library] = /\/lib\.([^/]*)\.d\.ts$/.exec(declaration.getSourceFile().fileName) ?? []
        if (library === undefined || symbol === undefined) continue
        const owner = ts.isInterfaceDeclaration(declaration.parent) ? `${declaration.parent.name.text}.` : ''
        const name = `${owner}${symbol.name}`
        used.set(name, (used.get(name) ?? new Set()).add(library))
      }
    }
    ts.forEachChild(node, visit)
  }
  for (const file of program.getSourceFiles()) if (file.fileName.startsWith(SRC)) visit(file)
  return used
}

/** Returns the member of the source object for a destructured member: only the former is declared in the library. */
function symbolOf(checker: ts.TypeChecker, node: ts.Identifier): ts.Symbol | undefined {
  const { parent } = node
  const isMember =
    ts.isBindingElement(parent) &&
    ts.isObjectBindingPattern(parent.parent) &&
    (parent.propertyName ?? parent.name) === node
  return (
    (isMember && checker.getTypeAtLocation(parent.parent).getProperty(node.text)) || checker.getSymbolAtLocation(node)
  )
}

/** Members of plain objects, which every browser has. */
const DICTIONARIES = /^(?:RequestInit|ReadableStreamRead(?:Done|Value)Result)\./

/** Every browser of the baseline has ES2021 and earlier. */
const isYoung = (libraries: ReadonlySet<string>): boolean =>
  [...libraries].every((library) => /^dom|^es(?:202[2-9]|20[3-9]\d|next)/.test(library))

const isInBaseline = (name: string): boolean =>
  (API_VERSIONS[name] ?? '').split(' ').every((version, browser) => Number(version) <= (BASELINE[browser] ?? 0))

test('exactly the APIs that the code uses are listed with their versions', () => {
  const young = [...usedNames()]
    .filter(([name, libraries]) => isYoung(libraries) && !DICTIONARIES.test(name))
    .map(([name]) => name)
  assert.deepEqual(young.sort(), Object.keys(API_VERSIONS).sort())
})

test('each API newer than the baseline is in the table of fallbacks', () => {
  const rows = rowsOf('fallbacks')
  assert.deepEqual(
    rows.map(([name = '']) => name.slice(1, -1)),
    Object.keys(MAY_BE_MISSING),
  )
  const missing = new Set(Object.values(MAY_BE_MISSING).flat())
  assert.deepEqual(
    Object.keys(API_VERSIONS).filter((name) => !isInBaseline(name) && !missing.has(name)),
    [],
  )
  for (const [name = '', ...cells] of rows) {
    const [used = ''] = MAY_BE_MISSING[name.slice(1, -1)] ?? []
    assert.equal(API_VERSIONS[used], cells.slice(0, 3).join(' '), name)
  }
})

test('the syntax is supported by the baseline', async () => {
  const [chrome, firefox, safari] = BASELINE
  const bundle = async (target: string[]): Promise<string> => {
    const { outputFiles } = await build({
      entryPoints: [ENTRY],
      bundle: true,
      format: 'esm',
      target,
      write: false,
      tsconfigRaw: { compilerOptions: { target: 'ES2022' } },
    })
    return outputFiles[0]?.text ?? ''
  }
  // The bundler rewrites syntax that a target does not support.
  assert.equal(await bundle([`chrome${chrome}`, `firefox${firefox}`, `safari${safari}`]), await bundle(['esnext']))
})
