// Paths of the built package, relative to its folder: the CommonJS copy of each file, and the files that a module
// reaches.

import { existsSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import ts from 'typescript'

/** A reference from one module to another. `start` and `end` enclose the text between the quotes. */
interface Specifier {
  text: string
  start: number
  end: number
}

/**
 * Returns the CommonJS copy of a built file: `dist/x.js` gives `dist/cjs/x.cjs`, and `wasm/x.d.ts` gives
 * `wasm/x.d.cts`.
 */
export function commonJsCopy(file: string): string {
  return file.replace(/^dist\//, 'dist/cjs/').replace(/\.(d\.)?([jt])s$/, '.$1c$2s')
}

/** Returns the file of which `copy` is the CommonJS copy. */
export function copiedFrom(copy: string): string {
  return copy.replace(/^dist\/cjs\//, 'dist/').replace(/\.(d\.)?c([jt])s$/, '.$1$2s')
}

/**
 * Returns `files` and everything that they import, directly or indirectly. Declarations that name JavaScript refer to
 * its declarations. Wasm modules that have not been built are skipped: the demo builds two of the three.
 */
export function reached(folder: string, files: readonly string[]): string[] {
  const found = new Set(files)
  // The iteration also visits files that are added during it.
  for (const file of found) {
    for (const { text } of specifiersOf(file, readFileSync(join(folder, file), 'utf8'))) {
      const named = targetOf(file, text)
      const target = named !== undefined && file.endsWith('.d.ts') ? declarationOf(named) : named
      if (target !== undefined && (!target.startsWith('wasm/') || existsSync(join(folder, target)))) found.add(target)
    }
  }
  return [...found]
}

/** Returns the declarations of a module: of `x.js`, of its copy `x.cjs`, or of `x.ts`, its source. */
function declarationOf(file: string): string {
  return file.replace(/(\.d)?\.(c?)[jt]s$/, '.d.$2ts')
}

/**
 * Returns the file that a relative specifier of `file` names; `undefined` for a package and for a file without a copy,
 * such as wasm.
 */
export function targetOf(file: string, specifier: string): string | undefined {
  if (!/^\.\.?\//.test(specifier) || !/\.[jt]s$/.test(specifier)) return undefined
  return posix.join(posix.dirname(file), specifier)
}

/** Returns the specifier by which `from` imports `to`. */
export function specifierFor(from: string, to: string): string {
  const path = posix.relative(posix.dirname(from), to)
  return path.startsWith('.') ? path : `./${path}`
}

/** Returns every specifier of a module or of its declarations, in order. */
export function specifiersOf(file: string, text: string): Specifier[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)
  const found: Specifier[] = []
  const visit = (node: ts.Node): void => {
    const literal = specifierIn(node)
    if (literal !== undefined)
      found.push({ text: literal.text, start: literal.getStart(source) + 1, end: literal.end - 1 })
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** Returns the specifier of an import or export, of an import type, or of a dynamic import of a constant. */
export function specifierIn(node: ts.Node): ts.StringLiteral | undefined {
  const named =
    ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
      ? node.moduleSpecifier
      : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
        ? node.argument.literal
        : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
          ? node.arguments[0]
          : undefined
  return named !== undefined && ts.isStringLiteral(named) ? named : undefined
}
