// Adapts declarations to their readers: tsc leaves the sources' names in them (`./x.ts`), and syntax newer than some
// readers support.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { filesFor } from './exports-map.ts'
import { commonJsCopy, reached, specifierFor, specifiersOf, targetOf } from './module-files.ts'

/**
 * Rewrites the declarations that a subpath of the package in `folder` reaches, writes their CommonJS copies, and
 * removes the others.
 */
export function writeDeclarations(folder: string): void {
  const entries = filesFor(folder, 'import').filter((file) => file.endsWith('.d.ts'))
  const files = reached(folder, entries)
  for (const file of readdirSync(join(folder, 'dist'), { recursive: true, encoding: 'utf8' })) {
    const declarations = join('dist', file)
    if (file.endsWith('.d.ts') && !files.includes(declarations)) rmSync(join(folder, declarations))
  }
  for (const file of files) {
    const text = readableSince50(file, readFileSync(join(folder, file), 'utf8'))
    const copy = commonJsCopy(file)
    mkdirSync(dirname(join(folder, copy)), { recursive: true })
    writeFileSync(
      join(folder, copy),
      withTargets(file, text, (target) => specifierFor(copy, commonJsCopy(target))),
    )
    writeFileSync(
      join(folder, file),
      withTargets(file, text, (target) => specifierFor(file, target)),
    )
  }
}

/**
 * Replaces the specifiers of the package's own files. `rename` gets the JavaScript file to which a specifier refers.
 */
function withTargets(file: string, text: string, rename: (target: string) => string): string {
  return replaced(
    text,
    specifiersOf(file, text).flatMap(({ text: specifier, start, end }) => {
      const target = targetOf(file, specifier)
      return target === undefined ? [] : [{ start, end, by: rename(target.replace(/\.ts$/, '.js')) }]
    }),
  )
}

/** Removes the type argument of `Uint8Array`, which exists since TypeScript 5.7. Without it the same values fit. */
function readableSince50(file: string, text: string): string {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)
  const changes: Change[] = []
  const visit = (node: ts.Node): void => {
    if (
      ts.isTypeReferenceNode(node) &&
      node.typeName.getText(source) === 'Uint8Array' &&
      node.typeArguments !== undefined
    ) {
      changes.push({ start: node.typeName.end, end: node.end, by: '' })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return replaced(text, changes)
}

interface Change {
  start: number
  end: number
  by: string
}

/** Applies `changes`, which are in the order of the text and do not overlap. */
function replaced(text: string, changes: readonly Change[]): string {
  let result = ''
  let done = 0
  for (const { start, end, by } of changes) {
    result += text.slice(done, start) + by
    done = end
  }
  return result + text.slice(done)
}
