// TypeScript, JavaScript and JSON, by the parser of TypeScript.

import { extname } from 'node:path'
import ts from 'typescript'
import type { Passage, Place } from './passages.ts'

const TESTS = new Set(['test', 'it', 'describe', 'suite', 'step'])

/** Returns the comments, strings, templates, text of JSX and names of tests. */
export function scriptPassages(text: string, first: number, name: string): Passage[] {
  const found: Passage[] = []
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true, kindOf(name))
  const line = (at: number): number => first + source.getLineAndCharacterOfPosition(at).line
  /** Where a comment cannot begin, in the order of the file. */
  const literals: { start: number; end: number }[] = []
  const add = (place: Place, start: number, end: number, words: string): void => {
    found.push({ place, line: line(start), text: words })
    literals.push({ start, end })
  }
  const visit = (node: ts.Node): void => {
    const [start, end] = [node.getStart(source), node.getEnd()]
    if (ts.isTemplateExpression(node)) {
      // The template is one passage, what is put in counts as a word.
      let words = text.slice(node.head.getStart(source) + 1, node.head.end - 2)
      let from = node.head.end
      literals.push({ start: node.head.getStart(source), end: node.head.end })
      for (const { literal } of node.templateSpans) {
        const at = literal.getStart(source)
        words += `¤${text.slice(from, at).replace(/[^\n]/g, '')}`
        words += text.slice(at + 1, ts.isTemplateTail(literal) ? literal.end - 1 : literal.end - 2)
        literals.push({ start: at, end: literal.end })
        from = literal.end
      }
      found.push({ place: placeOf(node), line: line(start), text: words })
      for (const { expression } of node.templateSpans) visit(expression)
      return
    }
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) {
      const isPath = ts.isImportDeclaration(node.parent) || ts.isExportDeclaration(node.parent)
      add(placeOf(node), start, end, isPath ? '' : text.slice(start + 1, end - 1))
    } else if (ts.isJsxText(node)) add('prose', node.pos, end, text.slice(node.pos, end))
    else if (ts.isRegularExpressionLiteral(node)) literals.push({ start, end })
    ts.forEachChild(node, visit)
  }
  visit(source)
  literals.sort((a, b) => a.start - b.start)
  return [...found, ...commentsOf(text, literals, line)]
}

function kindOf(name: string): ts.ScriptKind {
  switch (extname(name)) {
    case '.tsx':
      return ts.ScriptKind.TSX
    case '.json':
    case '.jsonc':
      return ts.ScriptKind.JSON
    default:
      return ts.ScriptKind.TS
  }
}

/** The first argument of `test()`, `it.skip()` and their like is the name of a test. */
function placeOf(node: ts.Node): Place {
  const call = node.parent
  if (!ts.isCallExpression(call) || call.arguments[0] !== node) return 'string'
  let callee: ts.Expression = call.expression
  while (ts.isPropertyAccessExpression(callee)) {
    if (TESTS.has(callee.name.text)) return 'test name'
    callee = callee.expression
  }
  return ts.isIdentifier(callee) && TESTS.has(callee.text) ? 'test name' : 'string'
}

/** Outside literals, `//` and `/*` begin a comment wherever they are. */
function commentsOf(
  text: string,
  literals: readonly { start: number; end: number }[],
  line: (at: number) => number,
): Passage[] {
  const found: Passage[] = []
  const begin = /\/\/|\/\*/g
  let next = 0
  let last = -2
  for (let match = begin.exec(text); match !== null; match = begin.exec(text)) {
    const at = match.index
    while ((literals[next]?.end ?? Number.POSITIVE_INFINITY) <= at) next += 1
    const literal = literals[next]
    if (literal !== undefined && literal.start <= at) {
      begin.lastIndex = literal.end
      continue
    }
    const isLine = match[0] === '//'
    const stop = text.indexOf(isLine ? '\n' : '*/', at + 2)
    const end = stop < 0 ? text.length : stop
    const words = text.slice(at + 2, end)
    begin.lastIndex = end
    const previous = found.at(-1)
    const isAlone = /(^|\n)[ \t]*$/.test(text.slice(Math.max(0, at - 200), at))
    if (isLine && isAlone && previous !== undefined && last === line(at) - 1) {
      found[found.length - 1] = { ...previous, text: `${previous.text}\n${words.trim()}` }
    } else found.push({ place: 'comment', line: line(at), text: isLine ? words.trim() : starless(words) })
    last = isLine && isAlone ? line(at) : -2
  }
  return found
}

/** A block comment without the stars that lead its lines. */
export const starless = (words: string): string =>
  words
    .split('\n')
    .map((each) => each.replace(/^\s*\**\s?/, '').trimEnd())
    .join('\n')
