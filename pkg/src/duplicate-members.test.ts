import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasMemberTwice } from './duplicate-members.ts'

test('a member twice is found at any depth, however it is spelt', () => {
  for (const json of [
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    ' { "a" : [ ] , "b" : { "c" : 1 , "c" : 1 } } ',
    '[{},[{"":0,"":0}]]',
    '{"a\\"":1,"b":":","a\\"":1}',
  ]) {
    JSON.parse(json)
    assert.ok(hasMemberTwice(json), json)
  }
})

test('nothing else is taken for one', () => {
  for (const json of [
    '{}',
    '"a"',
    '7',
    '{"a":"a","b":"a"}',
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":1}]',
    '["a","a"]',
    '{"a":"\\"a\\":","b":"{\\"a\\":1}"}',
    '{"a":["b","c"],"b":1}',
  ]) {
    JSON.parse(json)
    assert.ok(!hasMemberTwice(json), json)
  }
})
