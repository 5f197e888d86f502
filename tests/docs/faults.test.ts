// The harness finds the faults of a page with planted faults.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Block, blocksOf } from './blocks.ts'
import { errorsOf } from './compiler.ts'
import { configurationErrors } from './configuration.ts'
import { httpErrors } from './http.ts'
import { brokenLinks, countLinks, malformedLinks, missingPaths, reachable } from './links.ts'
import { DocsStage, PageFolder } from './runner.ts'
import { shellErrors } from './shell.ts'
import { dataErrors, isCode, markErrors, wayOf } from './ways.ts'

const PAGE = 'tests/docs/faults.md'
const blocks = blocksOf(PAGE)
/** Returns errors on the page as `line: message`. */
const onPage = (errors: readonly string[]): string[] => errors.map((error) => error.slice(PAGE.length + 1))
/** The errors without the lines. */
const plain = (errors: readonly string[]): string[] => errors.map((error) => error.replace(/^[^:]+:\d+: /, ''))
const containing = (part: string): Block =>
  blocks.find(({ text }) => text.includes(part)) ?? assert.fail(`no block has ${part}`)

test('errors of types and names, by the line of the page', () => {
  const errors = onPage(errorsOf(blocks.filter((block) => isCode(block) && wayOf(block) === 'compiled')))
  assert.deepEqual(
    errors.map((error) => error.split(':', 1)[0]),
    ['9', '11', '20', '22'],
  )
  assert.match(errors[0] ?? '', /'maxTokenByte' does not exist in type/)
  assert.match(errors[1] ?? '', /'chek' does not exist/)
  assert.match(errors[2] ?? '', /no exported member 'other'/)
  assert.match(errors[3] ?? '', /Cannot find name 'createGate'/)
})

test('blocks that nothing checks, and marks without effect', () => {
  assert.deepEqual(plain(markErrors(blocks)), [
    "nothing checks a block of ''",
    "nothing checks a block of 'text'",
    "the mark 'fast' has no effect",
    'its output is not compared: the block is not run',
    'it is excused without a reason',
    'tests/docs/blocks.ts has other lines',
    'tests/docs/blocks.ts does not read this page',
  ])
})

test('JSON and YAML that no parser accepts', () => {
  assert.deepEqual(plain(dataErrors(blocks)), ['not valid json', 'not valid yaml'])
})

test('broken links', () => {
  assert.deepEqual(plain(brokenLinks([PAGE])), [
    'tests/docs/nowhere.md does not exist',
    'tests/README.md has no anchor #no-place',
  ])
  assert.deepEqual([...reachable(PAGE, 1)], [PAGE, 'tests/docs/nowhere.md', 'tests/README.md'])
  assert.deepEqual(plain(malformedLinks([PAGE])), [
    'http://example.com/ is not an https: URL',
    'https://example/ is not an https: URL',
    'a link in a form that is not checked',
    'a link in a form that is not checked',
    'a link in a form that is not checked',
  ])
  assert.deepEqual(plain(missingPaths([PAGE])), ['tests/docs/nothing.ts does not exist'])
  assert.deepEqual(countLinks([PAGE]), { files: 1, places: 2, external: 3 })
})

describe('blocks beside an issuer and an origin', () => {
  let stage: DocsStage
  before(async () => {
    stage = await DocsStage.open()
  })
  after(() => stage.close())

  test('shell syntax, programs, verbs, options and routes', async () => {
    const shell = blocks.filter(({ language }) => language === 'sh')
    const errors = shellErrors(shell, await stage.routes())
    assert.match(errors[0] ?? '', /unexpected EOF/)
    assert.deepEqual(plain(errors.slice(1)), [
      'no test knows the program echo',
      'portcullis has no keygen --colour',
      'portcullis has no sing',
      'no test knows the program frobnicate',
      'cargo xtask has no sing',
      'cargo xtask has no test --quick',
      'cargo xtask has no suite rust/nothing',
      'the origin has no PUT /v1/auth/token/revoke',
      'the origin has no POST /v1/auth/nothing',
    ])
  })

  test('a configuration that portcullis check refuses', async () => {
    const block = containing('heartbeatSeconds')
    assert.equal(wayOf(block), 'by portcullis check')
    const [error = '', ...others] = await configurationErrors(block, stage.signingKey)
    assert.match(error, /^tests\/docs\/faults.md:\d+: .*heartbeatSeconds/)
    assert.deepEqual(others, [])
  })

  test('requests, responses and headers', async () => {
    const errors = []
    for (const block of blocks.filter(({ language }) => language === 'http'))
      errors.push(...plain(await httpErrors(block, stage)))
    assert.match(errors[0] ?? '', /^POST \/realms\/acme\/no-such-route: 404/)
    assert.deepEqual(errors.slice(1), [
      'the status is 401',
      'WWW-Authenticate is Bearer error="invalid_token", error_description="The user was logged out."',
      'the cookie has domain=example.com',
      'the cookie lacks secure',
      "the policy has 'unsafe-eval'",
      'the policy has scripts',
      "no test knows the header 'X-Other'",
    ])
  })

  test('blocks that fail when they are run, and another output', async () => {
    const folder = await PageFolder.write(blocks.filter((block) => isCode(block) && wayOf(block) === 'run'))
    try {
      const environment = await stage.environment()
      const printing = containing('1 + 1')
      assert.equal(printing.output, '3')
      assert.equal(await folder.run(printing.file, environment), '2')
      await assert.rejects(folder.run(containing('it fails').file, environment), /it fails/)
      await assert.rejects(folder.runShell(containing('no token').text, environment), /401/)
    } finally {
      await folder.remove()
    }
  })
})
