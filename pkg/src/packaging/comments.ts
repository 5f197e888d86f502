// Removes comments from compiled modules, because bundlers that do not minify, such as wrangler's, upload the comments
// inside classes.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

/** Removes the comments from the modules in `folder`, a built package. Declarations keep theirs. */
export function removeComments(folder: string): void {
  for (const file of modulesIn(folder)) {
    const path = join(folder, file)
    writeFileSync(path, withoutComments(readFileSync(path, 'utf8')))
  }
}

/** Returns the module without comments, except for those that bundlers read. */
export function withoutComments(text: string): string {
  const source = ts.createSourceFile('module.js', text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS)
  let kept = ''
  const visit = (node: ts.Node): void => {
    const parts = node.getChildren(source).filter((part) => !ts.isJSDoc(part))
    if (parts.length > 0) return parts.forEach(visit)
    const start = node.getStart(source, false)
    kept += withoutCommentsBetween(text.slice(node.getFullStart(), start)) + text.slice(start, node.end)
  }
  visit(source)
  return kept
}

/** Annotations for bundlers, and licences. */
const KEPT = /^\/[*/]!|[@#]__(?:PURE|NO_SIDE_EFFECTS)__|webpack[A-Z]|@vite-ignore|@license/

/**
 * Removes comments from the white space between two tokens. A line break in a comment may end a statement, so it is
 * kept.
 */
function withoutCommentsBetween(trivia: string): string {
  if (!trivia.includes('/')) return trivia
  const bare = trivia.replace(/\/\*[^]*?\*\/|\/\/[^\n]*/g, (comment) =>
    KEPT.test(comment) ? comment : comment.includes('\n') ? '\n' : ' ',
  )
  return bare.replace(/[ \t]*\n(?:[ \t]*\n)*/g, '\n')
}

/** Returns the modules in `folder`. The generated code of the wasm modules has no comments: `wasm-bind` omits them. */
function modulesIn(folder: string): string[] {
  const compiled = readdirSync(join(folder, 'dist'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.js'),
  )
  return compiled.map((file) => join('dist', file))
}
