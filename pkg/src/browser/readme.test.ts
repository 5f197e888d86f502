// Compiles the examples of www/docs/logout-and-sessions.md as they stand.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const FOLDER = dirname(fileURLToPath(import.meta.url))
const PAGE = readFileSync(join(FOLDER, '../../../www/docs/logout-and-sessions.md'), 'utf8')

/** The parts of each framework that the examples use, with the types of its own declarations. */
const FRAMEWORKS = `
declare module 'react' {
  export function useSyncExternalStore<T>(subscribe: (changed: () => void) => () => void, snapshot: () => T, server?: () => T): T
}
declare module 'vue' {
  export interface Ref<T> { value: T }
  export function ref<T>(value: T): Ref<T>
  export function readonly<T>(ref: Ref<T>): { readonly value: T }
}
declare module 'svelte/store' {
  export interface Readable<T> { subscribe(run: (value: T) => void): () => void }
  export function readable<T>(value: T, start: (set: (value: T) => void) => void | (() => void)): Readable<T>
}
`

test('logout, session, React, Vue and Svelte', () => {
  const examples = [...PAGE.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => code)
  const names = ['logout', 'session', 'react', 'vue', 'svelte']
  assert.equal(examples.length, names.length)
  // Each framework's example is placed next to the session's.
  const sources = new Map<string, string>([[join(FOLDER, 'examples/frameworks.d.ts'), FRAMEWORKS]])
  examples.forEach((code, index) => sources.set(join(FOLDER, 'examples', `${names[index]}.ts`), code))

  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    allowImportingTsExtensions: true,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts', 'lib.dom.asynciterable.d.ts'],
    types: [],
    skipLibCheck: true,
    paths: { 'portcullis/browser': [join(FOLDER, 'index.ts')] },
  }
  const host = ts.createCompilerHost(options)
  const { directoryExists, fileExists, readFile, getSourceFile } = host
  host.directoryExists = (folder) => folder === join(FOLDER, 'examples') || directoryExists?.(folder) === true
  host.fileExists = (file) => sources.has(file) || fileExists(file)
  host.readFile = (file) => sources.get(file) ?? readFile(file)
  host.getSourceFile = (file, ...rest) => {
    const source = sources.get(file)
    return source === undefined
      ? getSourceFile(file, ...rest)
      : ts.createSourceFile(file, source, ts.ScriptTarget.ES2022)
  }
  const program = ts.createProgram([...sources.keys()], options, host)
  const said = ts.getPreEmitDiagnostics(program).filter(({ file }) => file === undefined || sources.has(file.fileName))
  assert.deepEqual(
    said.map(({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`),
    [],
  )
})
