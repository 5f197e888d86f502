// The harness finds the faults of a page with planted faults.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blocksOf } from './blocks.ts'
import { errorsOf } from './compiler.ts'
import { brokenLinks, reachable } from './links.ts'
import { shellErrors } from './shell.ts'

const PAGE = 'tests/docs/faults.md'
const blocks = blocksOf(PAGE)
/** Returns errors on the page as `line: message`. */
const onPage = (errors: readonly string[]): string[] => errors.map((error) => error.slice(PAGE.length + 1))

test('errors of types and names, by the line of the page', () => {
  const errors = onPage(errorsOf(blocks.filter(({ language }) => language === 'ts' || language === 'js')))
  assert.deepEqual(
    errors.map((error) => error.split(':', 1)[0]),
    ['9', '11', '20', '22'],
  )
  assert.match(errors[0] ?? '', /'maxTokenByte' does not exist in type/)
  assert.match(errors[1] ?? '', /'chek' does not exist/)
  assert.match(errors[2] ?? '', /no exported member 'other'/)
  assert.match(errors[3] ?? '', /Cannot find name 'createGate'/)
})

test('the output of a block is read with it', () => {
  assert.deepEqual(
    blocks.map(({ marks, output }) => [marks, output]).filter(([marks]) => marks?.includes('run')),
    [[['run'], '2']],
  )
})

test('shell syntax, verbs and options', () => {
  const errors = onPage(shellErrors(blocks.filter(({ language }) => language === 'sh')))
  assert.equal(errors.length, 3)
  assert.match(errors[0] ?? '', /unexpected EOF/)
  assert.deepEqual(errors.slice(1), ['33: portcullis has no keygen --colour', '33: portcullis has no sing'])
})

test('broken links', () => {
  assert.deepEqual(onPage(brokenLinks([PAGE])), [
    '38: tests/docs/nowhere.md does not exist',
    '38: tests/README.md has no anchor #no-place',
  ])
  assert.deepEqual([...reachable(PAGE, 1)], [PAGE, 'tests/docs/nowhere.md', 'tests/README.md'])
})
