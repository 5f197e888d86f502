// The ways in which code blocks are checked. Each block is checked in exactly one way.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import type { Block } from './blocks.ts'
import { isConfiguration } from './configuration.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export const WAYS = [
  'run',
  'compiled',
  'shell syntax, verbs, options and routes',
  'by portcullis check',
  'parsed',
  'by a live origin or gate',
  'lines of a file that tests compile or run',
  'by another test',
  'excused',
] as const

type Way = (typeof WAYS)[number]

export const isCode = ({ language }: Block): boolean => /^[cm]?[jt]sx?$/.test(language)

/** Returns how a block is checked; `undefined` if nothing checks it. */
export function wayOf(block: Block): Way | undefined {
  if (block.excused !== undefined) return 'excused'
  if (block.from !== undefined) return 'lines of a file that tests compile or run'
  if (block.testedBy !== undefined) return 'by another test'
  const isRun = block.marks.includes('run')
  if (isCode(block)) return isRun ? 'run' : 'compiled'
  switch (block.language) {
    case 'sh':
      return isRun ? 'run' : 'shell syntax, verbs, options and routes'
    case 'json':
      return isConfiguration(block.text) ? 'by portcullis check' : 'parsed'
    case 'jsonc':
    case 'yaml':
      return 'parsed'
    case 'http':
      return 'by a live origin or gate'
    default:
      return undefined
  }
}

/** Returns faults of the marks: unchecked blocks, marks without effect, and files that do not contain a block. */
export function markErrors(blocks: readonly Block[]): string[] {
  return blocks.flatMap((block) => {
    const found: string[] = []
    const way = wayOf(block)
    if (way === undefined) found.push(`nothing checks a block of '${block.language}'`)
    const unknown = block.marks.filter((mark) => mark !== 'run' || way !== 'run')
    if (unknown.length > 0) found.push(`the mark '${unknown.join(' ')}' has no effect`)
    if (block.output !== undefined && way !== 'run') found.push('its output is not compared: the block is not run')
    if (block.excused === '') found.push('it is excused without a reason')
    if (block.from !== undefined && !hasLines(block.from, block.text)) found.push(`${block.from} has other lines`)
    if (block.testedBy !== undefined && !sourceOf(block.testedBy).includes(basename(block.page)))
      found.push(`${block.testedBy} does not read this page`)
    return found.map((fault) => `${block.page}:${block.line}: ${fault}`)
  })
}

/** Returns blocks of JSON (with or without comments) and YAML that a parser rejects. */
export function dataErrors(blocks: readonly Block[]): string[] {
  return blocks.flatMap(({ page, line, language, text }) => {
    const parse = PARSERS[language]
    try {
      parse?.(text)
      return []
    } catch {
      return [`${page}:${line}: not valid ${language}`]
    }
  })
}

const BUN = createRequire(import.meta.url).resolve('bun/bin/bun.exe')

const PARSERS: Readonly<Record<string, (text: string) => unknown>> = {
  json: JSON.parse,
  jsonc: (text) => assert.equal(ts.parseConfigFileTextToJson('block.jsonc', text).error, undefined),
  yaml: (text) =>
    execFileSync(BUN, ['-e', 'Bun.YAML.parse(await Bun.stdin.text())'], {
      input: text,
      stdio: ['pipe', 'ignore', 'ignore'],
    }),
}

/** Indentation does not count. */
function hasLines(path: string, text: string): boolean {
  const plain = (code: string): string => code.replace(/^ +/gm, '').trim()
  return plain(sourceOf(path)).includes(plain(text))
}

function sourceOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}
