// Rust, by a lexer that knows comments, strings and characters, and the names of its tests.

import type { Passage, Place } from './passages.ts'
import { starless } from './script.ts'

/** In the order in which they are tried: nested comments are measured by hand. */
const TOKEN = new RegExp(
  [
    /\/\/[^\n]*/,
    /\/\*/,
    /(?<![\w"])[bc]?r(?<marks>#*)"[\s\S]*?"\k<marks>/,
    /(?<![\w"])[bc]?"(?:\\[\s\S]|[^"\\])*"/,
    // A character; an apostrophe otherwise begins a lifetime.
    /b?'(?:\\(?:u\{[^}]*\}|x..|.)|[^'\\\n])'/,
    /#\[(?:\w+::)*test\b[^\n]*/,
    /\bfn\s+\w+/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
)

/** Returns the comments, strings and, with spaces for underscores, the names of tests. */
export function rustPassages(text: string, first: number): Passage[] {
  const found: Passage[] = []
  let line = first
  let counted = 0
  let isTest = false
  let last = -2
  const lineOf = (at: number): number => {
    for (; counted < at; counted += 1) if (text[counted] === '\n') line += 1
    return line
  }
  const add = (place: Place, at: number, words: string): void => {
    found.push({ place, line: lineOf(at), text: words })
  }
  TOKEN.lastIndex = 0
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    const [token] = match
    const at = match.index
    if (token.startsWith('//')) {
      const words = token.replace(/^\/\/[/!]?/, '').trim()
      const isAlone = /(^|\n)[ \t]*$/.test(text.slice(Math.max(0, at - 200), at))
      const previous = found.at(-1)
      if (isAlone && previous !== undefined && last === lineOf(at) - 1) {
        found[found.length - 1] = { ...previous, text: `${previous.text}\n${words}` }
      } else add('comment', at, words)
      last = isAlone ? lineOf(at) : -2
    } else if (token === '/*') {
      const end = endOfComment(text, at)
      add('comment', at, starless(text.slice(at + 2, end - 2)))
      TOKEN.lastIndex = end
    } else if (token.startsWith('#[')) {
      isTest = true
      TOKEN.lastIndex = at + token.indexOf('test') + 4
    } else if (token.startsWith('fn')) {
      if (isTest) add('test name', at, token.replace(/^fn\s+/, '').replaceAll('_', ' '))
      isTest = false
    } else if (!/^b?'/.test(token)) {
      // A line that ends with a backslash goes on without its break.
      add(
        'string',
        at,
        token
          .replace(/^[bcr]*#*"/, '')
          .replace(/"#*$/, '')
          .replace(/\\$/gm, ''),
      )
    }
  }
  return found
}

function endOfComment(text: string, start: number): number {
  let depth = 0
  const marks = /\/\*|\*\//g
  marks.lastIndex = start
  for (let match = marks.exec(text); match !== null; match = marks.exec(text)) {
    depth += match[0] === '/*' ? 1 : -1
    if (depth === 0) return marks.lastIndex
  }
  return text.length
}
