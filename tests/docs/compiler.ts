// Compiles the blocks of pages against the built package: each page is a folder of modules.

import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import type { Block } from './blocks.ts'

/** A folder that exists only for the compiler; npm packages are found from it. */
const FOLDER = fileURLToPath(new URL('pages', import.meta.url))

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts', 'lib.dom.asynciterable.d.ts'],
  types: ['node'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  jsx: ts.JsxEmit.Preserve,
  allowImportingTsExtensions: true,
  noEmit: true,
  strict: true,
  allowJs: true,
  checkJs: true,
  resolveJsonModule: true,
  skipLibCheck: true,
  // The package is a link here. Its types must resolve the frameworks that the blocks use, as for an installed package.
  preserveSymlinks: true,
}

/** JavaScript is checked as in editors, without errors about parameters that have no type. */
const SCRIPT_OPTIONS: ts.CompilerOptions = { ...OPTIONS, strict: false }
const UNTYPED = /type 'unknown'/

/** Returns every error as `page:line: message`. */
export function errorsOf(blocks: readonly Block[]): string[] {
  const files = new Map(blocks.map((block) => [pathOf(block), block]))
  const roots = [...files].filter(([, { language }]) => !language.startsWith('json')).map(([path]) => path)
  const isScript = (path: string): boolean => /\.[cm]?jsx?$/.test(path)
  return [
    ...errorsIn(
      files,
      roots.filter((path) => !isScript(path)),
      OPTIONS,
    ),
    ...errorsIn(files, roots.filter(isScript), SCRIPT_OPTIONS).filter((error) => !UNTYPED.test(error)),
  ]
}

function errorsIn(files: ReadonlyMap<string, Block>, roots: readonly string[], options: ts.CompilerOptions): string[] {
  const program = ts.createProgram(roots, options, hostOf(files, options))
  return roots.flatMap((path) => {
    const block = files.get(path)
    const source = program.getSourceFile(path)
    if (block === undefined || source === undefined) throw new Error(`${path} is not compiled`)
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      (diagnostic) =>
        `${placeOf(block, source, diagnostic)}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ')}`,
    )
  })
}

function pathOf({ page, file }: Block): string {
  return join(FOLDER, page, file)
}

/** Returns the block's source as a module, even if it neither imports nor exports anything. */
function sourceOf({ given, text, language }: Block): string {
  return language.startsWith('json') ? text : `${given === '' ? '' : `${given}\n`}${text}\nexport {}\n`
}

function hostOf(files: ReadonlyMap<string, Block>, options: ts.CompilerOptions): ts.CompilerHost {
  const host = ts.createCompilerHost(options)
  const folders = new Set([...files.keys()].flatMap((path) => foldersOf(path)))
  const { fileExists, readFile, directoryExists, getSourceFile } = host
  host.fileExists = (path) => files.has(path) || fileExists(path)
  host.directoryExists = (path) => folders.has(path) || directoryExists?.(path) === true
  host.readFile = (path) => {
    const block = files.get(path)
    return block === undefined ? readFile(path) : sourceOf(block)
  }
  host.getSourceFile = (path, version, ...rest) => {
    const block = files.get(path)
    return block === undefined
      ? getSourceFile(path, version, ...rest)
      : ts.createSourceFile(path, sourceOf(block), version, true)
  }
  return host
}

/** Returns its folders, up to the folder of all pages. */
function foldersOf(path: string): string[] {
  return path === FOLDER ? [path] : [path, ...foldersOf(dirname(path))]
}

function placeOf({ page, line, given }: Block, source: ts.SourceFile, { start = 0 }: ts.Diagnostic): string {
  const above = given === '' ? 0 : given.split('\n').length
  return `${page}:${Math.max(line, line + source.getLineAndCharacterOfPosition(start).line - above)}`
}
