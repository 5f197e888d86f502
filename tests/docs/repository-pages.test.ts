// The pages in `.github`: each path in them exists, and each property that they state names its tests.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isIn, suiteNames } from './suites.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PAGES = readdirSync(join(ROOT, '.github'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `.github/${name}`)
/** Paths begin with one of these; other code with a slash, such as `portcullis/edge`, is not a path. */
const FOLDERS = ['.cargo', '.ci', '.github', 'pkg', 'src', 'tests', 'www', 'xtask']

/** Returns the lines of a page with the code spans in each, without code blocks. */
function linesOf(page: string): { place: string; text: string; spans: string[] }[] {
  let isCode = false
  return readFileSync(join(ROOT, page), 'utf8')
    .split('\n')
    .flatMap((text, index) => {
      if (text.trimStart().startsWith('```')) isCode = !isCode
      const spans = isCode ? [] : [...text.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span)
      return [{ place: `${page}:${index + 1}`, text, spans }]
    })
}

/** Whether the path exists in the repository; a part in angle brackets is a placeholder for the reader's own name. */
const isPath = (span: string): boolean =>
  /^[\w.@/-]+$/.test(span) && FOLDERS.some((folder) => span.startsWith(`${folder}/`))
const isTest = (path: string): boolean => /\.test\.ts$|^tests\/.*\.rs$/.test(path)

test('every path on a page exists', (t) => {
  const paths = PAGES.flatMap(linesOf).flatMap(({ place, spans }) =>
    spans.filter(isPath).map((path) => ({ place, path })),
  )
  t.diagnostic(`${paths.length} paths on ${PAGES.length} pages`)
  assert.ok(paths.length > 150)
  const missing = paths.filter(({ path }) => !existsSync(join(ROOT, path)))
  assert.deepEqual(
    missing.map(({ place, path }) => `${place}: ${path} does not exist`),
    [],
  )
})

test('each row of a table with a column of tests names at least one', (t) => {
  let rows = 0
  const without: string[] = []
  for (const page of PAGES) {
    let isTable = false
    for (const { place, text } of linesOf(page)) {
      if (!text.startsWith('|')) isTable = false
      else if (/\| test \|$/.test(text)) isTable = true
      else if (isTable && !/^\|[-|]+\|$/.test(text)) {
        rows += 1
        const column = text.split(/(?<!\\)\|/).at(-2) ?? ''
        const tests = [...column.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path)
        if (tests.length === 0 || !tests.every(isTest)) without.push(place)
      }
    }
  }
  t.diagnostic(`${rows} rows`)
  assert.ok(rows > 30)
  assert.deepEqual(without, [])
})

test('commands name suites, files and targets that exist', (t) => {
  const suites = suiteNames()
  const rust = (name: string): boolean => suites.includes(`rust/${name}`)
  const wrong: string[] = []
  let named = 0
  const expect = (exists: boolean, place: string, name: string): void => {
    named += 1
    if (!exists) wrong.push(`${place}: ${name} does not exist`)
  }
  for (const page of PAGES) {
    for (const [index, line] of readFileSync(join(ROOT, page), 'utf8').split('\n').entries()) {
      const place = `${page}:${index + 1}`
      for (const [, group = ''] of line.matchAll(/--only ([a-z][\w/-]*)/g))
        expect(
          suites.some((suite) => isIn(suite, group)),
          place,
          group,
        )
      for (const [, target = ''] of line.matchAll(/cargo test (?:--features \w+ )?--test (\w+)/g))
        expect(rust(target), place, target)
      for (const [, folder = '', file = ''] of line.matchAll(/cd (\w+) && node --import tsx --test ([\w/.-]+)/g))
        expect(existsSync(join(ROOT, folder, file)), place, `${folder}/${file}`)
    }
  }
  t.diagnostic(`${named} names`)
  assert.ok(named >= 4)
  assert.deepEqual(wrong, [])
})

test('the changelog has the form of Keep a Changelog, and the version of the package', () => {
  const { version, files } = JSON.parse(readFileSync(join(ROOT, 'pkg/package.json'), 'utf8')) as {
    version: string
    files: string[]
  }
  const lines = readFileSync(join(ROOT, 'pkg/CHANGELOG.md'), 'utf8').split('\n')
  const headings = (mark: string): string[] =>
    lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(mark.length))
  const [newest, ...versions] = headings('## ')
  assert.equal(newest, '[Unreleased]')
  assert.deepEqual(
    versions.filter((text) => !/^\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d$/.test(text)),
    [],
  )
  assert.ok(versions.some((text) => text.startsWith(`[${version}]`)))
  const kinds = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security']
  assert.deepEqual(
    headings('### ').filter((kind) => !kinds.includes(kind)),
    [],
  )
  assert.ok(files.includes('CHANGELOG.md'))
})
