import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseJson } from './json.ts'

test('an error has its line and column, never the text', () => {
  const cases: [string, RegExp][] = [
    ['{\n  "a": 1,\n}', /^f:3:1: not valid JSON: expected a name in double quotes \(there is no comma/],
    ['{\n  "a" 1\n}', /^f:2:7: not valid JSON: expected ':'/],
    ['{\n  "a": secret\n}', /^f:2:8: not valid JSON: expected a value/],
    ['{ "a": 1 "b": 2 }', /^f:1:10: not valid JSON: expected ',' or '}'/],
    ['[1, 2', /^f:1:6: the file ends too early: expected ',' or ']'/],
    ['', /^f:1:1: the file ends too early: expected a value/],
    ['{"a": 01}', /^f:1:8: not valid JSON: expected ',' or '}'/],
    ['{"a": "secret\n"}', /^f:1:7: not valid JSON: expected a value/],
    ['{} secret', /^f:1:4: not valid JSON: expected the end of the file/],
    ["{'a': 1}", /^f:1:2: not valid JSON: expected a name in double quotes/],
    ['{"a": 1,\n "b": {"\\u0061": 2, "a": 3}}', /^f:2:21: duplicate member/],
    ['// secret', /^f:1:1: not valid JSON/],
    ['['.repeat(200_000), /^f:1:102: not valid JSON: expected less nesting/],
  ]
  for (const [text, message] of cases) {
    assert.throws(
      () => parseJson(text, 'f'),
      (error: Error) => message.test(error.message) && !error.message.includes('secret'),
      text.slice(0, 40),
    )
  }
})

test('reads valid JSON, even with a byte order mark', () => {
  assert.deepEqual(parseJson('\ufeff{"a": [1, "\\u0041", null]}', 'f'), { a: [1, 'A', null] })
})
