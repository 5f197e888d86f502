// The code blocks of a page, as Markdown has them. `ways.ts` says how each one is checked.
//
// ```ts                   a module, compiled against the package
// ```ts run, ```sh run    run with the stage's environment
// ```text output          the output of the block before it, which is run
// // gate.ts              as the first line: the file's name, by which other blocks of the page may import it
//
// Comments right before a block; a PATH is from the root of the repository:
//
// <!-- with … -->         code that readers know from elsewhere, put before the block
// <!-- from PATH -->      the block's lines are in that file, which other tests compile or run
// <!-- tested by PATH --> that file of tests compiles or runs the block
// <!-- excused: … -->     nothing checks the block, for this reason

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Block {
  /** The page's path from the root of the repository. `line` is the block's first line in it. */
  readonly page: string
  readonly line: number
  readonly language: string
  /** The words after the language name. */
  readonly marks: readonly string[]
  /** The file name from its first line, or a generated one. */
  readonly file: string
  readonly text: string
  /** Code that is inserted before it. */
  readonly given: string
  /** The file that contains its text. */
  readonly from: string | undefined
  /** The test file that covers it. */
  readonly testedBy: string | undefined
  /** The reason why nothing checks it. */
  readonly excused: string | undefined
  /** The output that it must print. */
  readonly output: string | undefined
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Returns the blocks of a page, given by its path from the root of the repository. Throws for an unclosed block. */
export function blocksOf(page: string): Block[] {
  const lines = readFileSync(join(ROOT, page), 'utf8').split('\n')
  const found: Block[] = []
  for (let at = 0; at < lines.length; at += 1) {
    const [, indent = '', language = '', marks = ''] = /^( *)```(\w*) *(.*)$/.exec(lines[at] ?? '') ?? []
    if (language === '' && !/^ *```$/.test(lines[at] ?? '')) continue
    const end = lines.findIndex((line, index) => index > at && line === `${indent}\`\`\``)
    if (end < 0) throw new Error(`${page}:${at + 1}: the code block is not closed`)
    const text = lines
      .slice(at + 1, end)
      .map((line) => line.slice(indent.length))
      .join('\n')
    const previous = found.at(-1)
    if (marks === 'output' && previous !== undefined) found[found.length - 1] = { ...previous, output: text }
    else {
      const file = fileOf(text, language, at, found)
      found.push({
        page,
        line: at + 2,
        language,
        marks: words(marks),
        file,
        text,
        output: undefined,
        ...commentBefore(lines, at),
      })
    }
    at = end
  }
  return found
}

/** A second file of the same name is another version, which no block imports. */
function fileOf(text: string, language: string, at: number, before: readonly Block[]): string {
  const name = /^\/\/ ([\w./-]+\.(?:[cm]?[jt]sx?|jsonc?))$/.exec(text.split('\n', 1)[0] ?? '')?.[1]
  const isFree = name !== undefined && !before.some(({ file }) => file === name)
  return isFree ? name : `line-${at + 2}.${language}`
}

/** The comment that ends right before a block, for readers of the source and this test. */
function commentBefore(lines: readonly string[], at: number): Pick<Block, 'given' | 'from' | 'testedBy' | 'excused'> {
  const before = lines.slice(0, at).join('\n').trimEnd()
  const [, kind, content = ''] = /<!-- (with|from|tested by|excused:)\s((?:(?!-->)[^])*)-->$/.exec(before) ?? []
  const ifKind = (wanted: string): string | undefined => (kind === wanted ? content.trim() : undefined)
  return {
    given: ifKind('with') ?? '',
    from: ifKind('from'),
    testedBy: ifKind('tested by'),
    excused: ifKind('excused:'),
  }
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}
