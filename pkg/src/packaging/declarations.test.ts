import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { writeDeclarations } from './declarations.ts'

let folder: string

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-declarations-'))
})

after(() => rmSync(folder, { recursive: true, force: true }))

/** Makes a package of these declarations, whose entry is `index`. Returns its declarations afterwards. */
function written(declarations: Record<string, string>): Record<string, string> {
  rmSync(join(folder, 'dist'), { recursive: true, force: true })
  const exports = { '.': { import: { types: './dist/index.d.ts', default: './dist/index.js' } } }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ exports }))
  for (const [name, text] of Object.entries(declarations)) {
    mkdirSync(dirname(join(folder, 'dist', name)), { recursive: true })
    writeFileSync(join(folder, 'dist', name), text)
  }
  writeDeclarations(folder)
  const files = readdirSync(join(folder, 'dist'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.d\.c?ts$/.test(file),
  )
  return Object.fromEntries(files.map((file) => [file, readFileSync(join(folder, 'dist', file), 'utf8')]))
}

test('every kind of reference names an existing file', () => {
  const kinds = (end: string): string =>
    `import type { A } from './a.${end}';\nexport * from "./a.${end}";\nexport type B = import('./a.${end}').A;\nexport type C = 'from ./a.ts';\n`
  const all = written({ 'index.d.ts': kinds('ts'), 'a.d.ts': 'export type A = 1;\n' })
  assert.equal(all['index.d.ts'], kinds('js'))
  assert.equal(all['cjs/index.d.cts'], kinds('cjs'))
})

test('declarations that no subpath reaches are not shipped', () => {
  const all = written({
    'index.d.ts': "export * from './a/b.ts'",
    'a/b.d.ts': "import '../c.ts'",
    'c.d.ts': 'export {}',
    'd.d.ts': 'export {}',
  })
  assert.deepEqual(Object.keys(all).sort(), [
    'a/b.d.ts',
    'c.d.ts',
    'cjs/a/b.d.cts',
    'cjs/c.d.cts',
    'cjs/index.d.cts',
    'index.d.ts',
  ])
})

test('removes a type argument of Uint8Array', () => {
  const all = written({
    'index.d.ts': 'export type Read = (x: Set<Uint8Array<ArrayBuffer>>) => Promise<Uint8Array<ArrayBufferLike>>;\n',
  })
  assert.equal(all['index.d.ts'], 'export type Read = (x: Set<Uint8Array>) => Promise<Uint8Array>;\n')
})

test('declarations that were already written stay unchanged', () => {
  const once = written({ 'index.d.ts': "export * from './a.ts'", 'a.d.ts': 'export type A = 1' })
  writeDeclarations(folder)
  assert.equal(readFileSync(join(folder, 'dist/index.d.ts'), 'utf8'), once['index.d.ts'])
})
