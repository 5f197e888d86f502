// The pages for users: every code block compiles against the built package, marked blocks are run, and every link has a
// target.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { type Block, blocksOf } from './docs/blocks.ts'
import { errorsOf } from './docs/compiler.ts'
import { brokenLinks, reachable } from './docs/links.ts'
import { DocsStage, PageFolder } from './docs/runner.ts'
import { shellErrors } from './docs/shell.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const DOCS = readdirSync(join(ROOT, 'www/docs'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => `www/docs/${name}`)
const READMES = ['README.md', 'pkg/README.md']
const PAGES = [...READMES, ...DOCS]

const blocks = PAGES.flatMap(blocksOf)
const isCode = ({ language }: Block): boolean => /^[cm]?[jt]sx?$/.test(language)

test('every block of TypeScript and JavaScript compiles', () => {
  const compiled = blocks.filter(
    (block) => (isCode(block) || block.language === 'json') && block.from === undefined && block.testedBy === undefined,
  )
  assert.ok(compiled.length > 10)
  assert.deepEqual(errorsOf(compiled), [])
})

test('blocks that are left to other tests stand in their file, or are read by it', () => {
  for (const { page, line, from, testedBy, text } of blocks) {
    const place = `${page}:${line}`
    if (from !== undefined)
      assert.ok(readFileSync(join(ROOT, from), 'utf8').includes(text), `${place}: ${from} has another text`)
    if (testedBy !== undefined)
      assert.ok(
        readFileSync(join(ROOT, testedBy), 'utf8').includes(basename(page)),
        `${place}: ${testedBy} does not read this page`,
      )
  }
})

test('every block of JSON can be read', () => {
  for (const { page, line, language, text } of blocks) {
    if (language === 'json') assert.doesNotThrow(() => void JSON.parse(text), `${page}:${line}`)
    if (language === 'jsonc')
      assert.equal(ts.parseConfigFileTextToJson('block.jsonc', text).error, undefined, `${page}:${line}`)
  }
})

test('every block for a shell has its syntax, and verbs and options that there are', () => {
  assert.deepEqual(shellErrors(blocks.filter(({ language }) => language === 'sh')), [])
})

test('every link of the pages leads somewhere', () => {
  assert.deepEqual(brokenLinks(PAGES), [])
})

test('every page is two clicks from the README, at the most', () => {
  for (const first of READMES) {
    const found = reachable(first, 2)
    assert.deepEqual(
      DOCS.filter((page) => !found.has(page)),
      [],
      first,
    )
  }
})

describe('blocks that are run', () => {
  let stage: DocsStage
  before(async () => {
    stage = await DocsStage.open()
  })
  after(() => stage.close())

  for (const page of PAGES) {
    const own = blocks.filter((block) => block.page === page)
    for (const block of own.filter((each) => isCode(each) && each.marks.includes('run'))) {
      test(`${page}:${block.line}`, async () => {
        const folder = await PageFolder.write(own.filter(isCode))
        try {
          const printed = await folder.run(block.file, await stage.environment())
          if (block.output !== undefined) assert.equal(printed, block.output)
        } finally {
          await folder.remove()
        }
      })
    }
  }
})
