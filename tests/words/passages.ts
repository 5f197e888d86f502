// The words of a file that people read, out of each kind of source: comments, strings, names of tests and prose.

import { extname } from 'node:path'
import { hashPassages, markupPassages, rulesPassages } from './markup.ts'
import { rustPassages } from './rust.ts'
import { scriptPassages } from './script.ts'

export type Place = 'comment' | 'string' | 'test name' | 'prose'

/** Consecutive words of one kind. Each line of `text` is a line of the file, `line` the number of the first. */
export interface Passage {
  readonly place: Place
  readonly line: number
  readonly text: string
}

type Extractor = (text: string, line: number, name: string) => Passage[]

const EXTRACTORS: Readonly<Record<string, Extractor>> = {
  '.ts': scriptPassages,
  '.tsx': scriptPassages,
  '.js': scriptPassages,
  '.mjs': scriptPassages,
  '.cjs': scriptPassages,
  '.json': scriptPassages,
  '.jsonc': scriptPassages,
  '.rs': rustPassages,
  '.html': markupPassages,
  '.svelte': markupPassages,
  '.css': rulesPassages,
  '.toml': hashPassages,
  '.yml': hashPassages,
  '.yaml': hashPassages,
  '.py': hashPassages,
  '.txt': hashPassages,
  '.sh': hashPassages,
  '': hashPassages,
  '.md': markdownPassages,
}

/** Whether the files of this name are read at all. */
export const isRead = (name: string): boolean => extname(name) in EXTRACTORS

/** Returns the passages of a file in the order of its lines. */
export function passagesOf(name: string, text: string, line = 1): Passage[] {
  const found = EXTRACTORS[extname(name)]?.(text, line, name) ?? []
  return found.filter(({ text }) => /\S\s+\S/.test(text)).sort((a, b) => a.line - b.line)
}

const LANGUAGES: Readonly<Record<string, string>> = {
  ts: '.ts',
  typescript: '.ts',
  tsx: '.tsx',
  js: '.js',
  javascript: '.js',
  mjs: '.mjs',
  cjs: '.cjs',
  json: '.json',
  jsonc: '.jsonc',
  rust: '.rs',
  rs: '.rs',
  html: '.html',
  svelte: '.svelte',
  css: '.css',
  toml: '.toml',
  yaml: '.yml',
  yml: '.yml',
  sh: '.sh',
  bash: '.sh',
  shell: '.sh',
  console: '.sh',
  python: '.py',
}

/** Prose by paragraph, item, heading and cell; a block of code as a file of its language. */
function markdownPassages(text: string, first: number): Passage[] {
  const found: Passage[] = []
  const lines = text.split('\n')
  let paragraph: string[] = []
  let start = 0
  const flush = (): void => {
    if (paragraph.length > 0) found.push({ place: 'prose', line: first + start, text: paragraph.join('\n') })
    paragraph = []
  }
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? ''
    const fence = /^\s*(`{3,}|~{3,})\s*([\w-]*)/.exec(line)
    if (fence) {
      flush()
      const end = lines.findIndex((other, index) => index > at && other.trim().startsWith(fence[1] ?? '```'))
      const stop = end < 0 ? lines.length : end
      const suffix = LANGUAGES[(fence[2] ?? '').toLowerCase()]
      if (suffix !== undefined) {
        found.push(...passagesOf(`block${suffix}`, lines.slice(at + 1, stop).join('\n'), first + at + 1))
      }
      at = stop
      continue
    }
    const isTable = /^\s*\|/.test(line)
    if (isTable) {
      flush()
      for (const cell of line.split('|')) found.push({ place: 'prose', line: first + at, text: cell.trim() })
      continue
    }
    if (line.trim() === '' || /^\s*(#{1,6}|[-*+]|\d+[.)]|>)\s/.test(line)) flush()
    if (line.trim() === '') continue
    if (paragraph.length === 0) start = at
    paragraph.push(line.replace(/^\s*((#{1,6}|[-*+]|\d+[.)]|>)\s+)*/, ''))
    if (/^\s*#{1,6}\s/.test(line)) flush()
  }
  flush()
  return found
}
