import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import ts from 'typescript'
import { withoutComments } from './comments.ts'

const ANNOTATED = 'const a = /* @__PURE__ */ f(); import(/* @vite-ignore */ x); import(/* webpackIgnore: true */ y)'
const cases: [string, string, string][] = [
  ['a line', 'const a = 1 // one\nconst b = 2', 'const a = 1\nconst b = 2'],
  [
    'a block among members of a class',
    'class A {\n  /** Says so.\n   * @returns {any} */\n  say() {}\n}',
    'class A {\n  say() {}\n}',
  ],
  ['a line of its own', 'a()\n// why\n\n// and why\nb()', 'a()\nb()'],
  ['a block between tokens', 'return/* x */a', 'return a'],
  ['a block with a line break, which ends a statement', 'let a = b/*\n*/+c', 'let a = b\n+c'],
  [
    'text that resembles one',
    "const a = '// no', b = `/* ${'//'} */`, c = /\\/*x\\//",
    "const a = '// no', b = `/* ${'//'} */`, c = /\\/*x\\//",
  ],
  ['annotations', ANNOTATED, ANNOTATED],
  ['the first line of a command', '#!/usr/bin/env node\n// why\nrun()', '#!/usr/bin/env node\nrun()'],
]
for (const [name, text, expected] of cases) {
  test(`removes comments: ${name}`, () => assert.equal(withoutComments(text), expected))
}

test('changes nothing else in the sources', () => {
  const folder = new URL('../', import.meta.url)
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (each) => each.endsWith('.ts') && !each.endsWith('.test.ts'),
  )) {
    const { outputText } = ts.transpileModule(readFileSync(new URL(file, folder), 'utf8'), {
      compilerOptions: { target: ts.ScriptTarget.ES2022 },
    })
    assert.deepEqual(printed(withoutComments(outputText)), printed(outputText), file)
  }
})

/** Returns a module as the compiler prints it without comments, line by line. */
function printed(text: string): string[] {
  const source = ts.createSourceFile('module.js', text, ts.ScriptTarget.Latest, false, ts.ScriptKind.JS)
  return ts.createPrinter({ removeComments: true }).printFile(source).split('\n')
}
