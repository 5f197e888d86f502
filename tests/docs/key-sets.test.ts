// The page about key sets: each row of its tables is tested against jose and a gate.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { before, describe, test } from 'node:test'
import { answers } from './key-sets/answers.ts'
import { type Shape, shapes } from './key-sets/shapes.ts'

const PAGE = readFileSync(new URL('../../www/docs/key-sets.md', import.meta.url), 'utf8')
const ROWS = [
  ...section('Shapes, beside jose').matchAll(/^\| (?!shape |-)(.+?) \| (.+?) \| (.+?) \| (.*?) ?\|$/gm),
].map(([, ...cells]) => cells)

function section(title: string): string {
  return PAGE.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? ''
}

describe('each row of the table', () => {
  let all: Shape[]
  before(async () => {
    all = await shapes()
  })

  test('belongs to a shape, and each shape has one', () => {
    assert.deepEqual(
      ROWS.map(([name]) => name),
      all.map(({ name }) => name),
    )
  })

  for (const [name = '', jose = '', ours = '', reason = ''] of ROWS) {
    test(name, async () => {
      const shape = all.find((each) => each.name === name)
      assert.ok(shape)
      const plain = (cell: string): string => cell.replaceAll('`', '')
      assert.deepEqual(await answers(shape), { jose: plain(jose), ours: plain(ours) })
      assert.equal(
        (jose === 'taken') !== ours.startsWith('taken'),
        reason !== '',
        'a difference has a reason, and no other row has one',
      )
    })
  }
})

test('the table of reasons contains each reason of a skipped key', () => {
  const listed = [...section('What is reported').matchAll(/^\| `(\w+)` \|/gm)].map(([, reason]) => reason)
  const declared = /SkipReason =((?:\s+\| '\w+')+)/.exec(
    readFileSync(new URL('../../pkg/src/types/jwk.ts', import.meta.url), 'utf8'),
  )
  const known = [...(declared?.[1] ?? '').matchAll(/'(\w+)'/g)].map(([, reason]) => reason)
  assert.ok(known.length > 10)
  assert.deepEqual(listed, known)
})

test('the page names the version of jose that is tested', () => {
  const { version } = JSON.parse(
    readFileSync(new URL('../node_modules/jose/package.json', import.meta.url), 'utf8'),
  ) as { version: string }
  assert.match(PAGE, new RegExp(`against jose ${version.replaceAll('.', '\\.')} in Node`))
})
