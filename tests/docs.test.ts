// The pages for users: every code block is run, compiled or read by the tool that it is for, and every link has a
// target.

import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { blocksOf } from './docs/blocks.ts'
import { errorsOf } from './docs/compiler.ts'
import { configurationErrors } from './docs/configuration.ts'
import { httpErrors } from './docs/http.ts'
import { brokenLinks, countLinks, malformedLinks, missingPaths, reachable } from './docs/links.ts'
import { DocsStage, PageFolder } from './docs/runner.ts'
import { shellErrors } from './docs/shell.ts'
import { dataErrors, isCode, markErrors, WAYS, wayOf } from './docs/ways.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const DOCS = pagesBelow('www/docs')
const READMES = ['README.md', 'pkg/README.md']
const PAGES = [...READMES, ...DOCS, ...pagesBelow('.github'), ...['pkg/CHANGELOG.md'].filter(exists)]
/** Blocks that nothing checks, on all pages. */
const MAX_EXCUSED = 3

function pagesBelow(folder: string): string[] {
  const names = exists(folder) ? readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }) : []
  return names.filter((name) => name.endsWith('.md')).map((name) => `${folder}/${name}`)
}

function exists(path: string): boolean {
  return existsSync(join(ROOT, path))
}

const blocks = PAGES.flatMap(blocksOf)

test('every block is checked in one way, and at most three are excused', (t) => {
  assert.deepEqual(markErrors(blocks), [])
  const counts = WAYS.map((way) => `${blocks.filter((block) => wayOf(block) === way).length} ${way}`)
  t.diagnostic(`${blocks.length} blocks: ${counts.join('; ')}`)
  t.diagnostic(`${blocks.filter(({ output }) => output !== undefined).length} outputs compared`)
  const excused = blocks.filter((block) => wayOf(block) === 'excused')
  for (const { page, line, excused: reason } of excused) t.diagnostic(`excused: ${page}:${line}: ${reason}`)
  assert.ok(excused.length <= MAX_EXCUSED, `${excused.length} blocks are excused`)
})

test('every block of TypeScript and JavaScript compiles', () => {
  const compiled = blocks.filter((block) => ['run', 'compiled', 'parsed'].includes(wayOf(block) ?? ''))
  const withJson = compiled.filter((block) => isCode(block) || block.language === 'json')
  assert.ok(withJson.length > 100)
  assert.deepEqual(errorsOf(withJson), [])
})

test('every block of JSON and YAML can be parsed', () => {
  assert.deepEqual(dataErrors(blocks), [])
})

test('every link of the pages has a target', (t) => {
  assert.deepEqual([...brokenLinks(PAGES), ...malformedLinks(PAGES), ...missingPaths(PAGES)], [])
  const { files, places, external } = countLinks(PAGES)
  t.diagnostic(`${PAGES.length} pages, ${files + places + external} links`)
  t.diagnostic(`${files} links to files, ${places} to places in files, ${external} external ones, by their form`)
})

test('every page is at most two clicks from the README', () => {
  for (const first of READMES) {
    const found = reachable(first, 2)
    assert.deepEqual(
      DOCS.filter((page) => !found.has(page)),
      [],
      first,
    )
  }
})

describe('blocks beside an issuer and an origin', () => {
  let stage: DocsStage
  before(async () => {
    stage = await DocsStage.open()
  })
  after(() => stage.close())

  test('shell syntax, verbs, options and routes', async () => {
    const shell = blocks.filter((block) => block.language === 'sh' && wayOf(block) !== 'excused')
    assert.deepEqual(shellErrors(shell, await stage.routes()), [])
  })

  test('portcullis check accepts every configuration', async () => {
    for (const block of blocks.filter((each) => wayOf(each) === 'by portcullis check'))
      assert.deepEqual(await configurationErrors(block, stage.signingKey), [])
  })

  test('HTTP requests, responses and headers', async () => {
    for (const block of blocks.filter((each) => wayOf(each) === 'by a live origin or gate'))
      assert.deepEqual(await httpErrors(block, stage), [])
  })

  for (const page of PAGES) {
    const own = blocks.filter((block) => block.page === page)
    for (const block of own.filter((each) => wayOf(each) === 'run')) {
      test(`${page}:${block.line} is run`, async () => {
        const folder = await PageFolder.write(own.filter(isCode))
        try {
          const environment = await stage.environment()
          const isShell = block.language === 'sh'
          const printed = await (isShell
            ? folder.runShell(block.text, environment)
            : folder.run(block.file, environment))
          if (block.output !== undefined) assert.equal(printed, block.output)
        } finally {
          await folder.remove()
        }
      })
    }
  }
})
