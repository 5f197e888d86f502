// Everything that a wasm module exports is called: an export that is not keeps its code in every bundle.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const PACKAGE = fileURLToPath(new URL('../../pkg', import.meta.url))
/** The folders that use the modules. Both have the class `Gate`, of which the edge calls more. */
const USERS = ['core', 'edge', 'origin']
/** Part of every module that wasm-bindgen generates. */
const GENERATED = new Set(['free', 'initSync', '__wbg_init', '__wbg_reset_state'])

const parse = (path: string, text: string): ts.SourceFile =>
  ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)

/** Returns the functions and classes of a declaration, and `Class.member` of each class. */
function exportsOf(declaration: ts.SourceFile): string[] {
  return declaration.statements.flatMap((statement) => {
    if (ts.isFunctionDeclaration(statement)) return statement.name === undefined ? [] : [statement.name.text]
    if (!ts.isClassDeclaration(statement) || statement.name === undefined) return []
    const name = statement.name.text
    const members = statement.members.flatMap((member) =>
      member.name !== undefined && ts.isIdentifier(member.name) ? [`${name}.${member.name.text}`] : [],
    )
    return [name, ...members]
  })
}

/** Returns the names that files import from the module, and the members that they use of any object. */
function usesOf(files: readonly ts.SourceFile[]): { imported: Set<string>; members: Set<string> } {
  const imported = new Set<string>()
  const members = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (ts.isImportSpecifier(node)) imported.add((node.propertyName ?? node.name).text)
    if (ts.isPropertyAccessExpression(node)) members.add(node.name.text)
    if (ts.isBindingElement(node)) members.add((node.propertyName ?? node.name).getText())
    ts.forEachChild(node, visit)
  }
  files.forEach(visit)
  return { imported, members }
}

function unused(declaration: ts.SourceFile, files: readonly ts.SourceFile[]): string[] {
  const { imported, members } = usesOf(files)
  return exportsOf(declaration).filter((name) => {
    const member = name.split('.')[1]
    if (GENERATED.has(member ?? name)) return false
    return member === undefined ? !imported.has(name) : !members.has(member)
  })
}

for (const side of ['edge', 'origin']) {
  test(`every export of wasm/${side} is called`, () => {
    const path = join(PACKAGE, `wasm/${side}/core.d.ts`)
    const declaration = parse(path, readFileSync(path, 'utf8'))
    const files = USERS.flatMap((folder) => {
      const names = readdirSync(join(PACKAGE, 'src', folder), { recursive: true, encoding: 'utf8' })
      const sources = names.filter((name) => /(?<!\.test)\.ts$/.test(name) && !/(^|\/)testing\//.test(name))
      return sources.map((name) => parse(name, readFileSync(join(PACKAGE, 'src', folder, name), 'utf8')))
    })
    assert.ok(exportsOf(declaration).length > 20)
    assert.deepEqual(unused(declaration, files), [])
  })
}

test('finds a function, a class and a method that are not called', () => {
  const declaration = parse(
    'core.d.ts',
    'export class Gate { free(): void; begin(): void; clear(): void; readonly place: number }\nexport class Row { free(): void }\n' +
      'export function reasons(): string[];\nexport function version(): string;\nexport function initSync(): void;',
  )
  const user = parse(
    'core.ts',
    "import { Gate, reasons } from 'core.js'\nnew Gate().begin()\nclear()\nconst { place } = gate",
  )
  assert.deepEqual(unused(declaration, [user]), ['Gate.clear', 'Row', 'version'])
})
