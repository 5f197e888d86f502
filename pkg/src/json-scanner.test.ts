import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type JsonNumber, scanJson } from './json-scanner.ts'
import { randomBelow } from './test-fixtures/random.ts'

test('finds a duplicate member at any depth and in any spelling', () => {
  const cases: [string, number][] = [
    ['{"a":1,"a":1}', 7],
    ['{"a":1,"\\u0061":2}', 7],
    [' { "a" : [ ] , "b" : { "c" : 1 , "c" : 1 } } ', 33],
    ['[{},[{"":0,"":0}]]', 11],
    ['{"a\\"":1,"b":":","a\\"":1}', 17],
  ]
  for (const [json, at] of cases) {
    JSON.parse(json)
    assert.deepEqual(scanJson(json), { kind: 'duplicate', at }, json)
  }
})

test('accepts equal names in different objects, and equal strings that are not names', () => {
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
    assert.equal(scanJson(json), undefined, json)
  }
})

test('reports each number with the innermost member', () => {
  const found: [string, string | undefined][] = []
  const json = '[0,{"a":-1.5e3,"b":[2,{"\\u0063":3},4],"d":"5"}]'
  const note = ({ from, to, member }: JsonNumber): void => void found.push([json.slice(from, to), member])
  assert.equal(scanJson(json, note), undefined)
  assert.deepEqual(found, [
    ['0', undefined],
    ['-1.5e3', 'a'],
    ['2', 'b'],
    ['3', 'c'],
    ['4', 'b'],
  ])
})

test('accepts 100 levels and refuses more, however deep', () => {
  assert.equal(scanJson('['.repeat(100) + ']'.repeat(100)), undefined)
  for (const depth of [101, 200_000]) {
    const objects = '{"a":'.repeat(depth)
    assert.deepEqual(scanJson('['.repeat(depth)), { kind: 'syntax', at: 101, expected: 'less nesting' })
    assert.deepEqual(scanJson(objects), { kind: 'syntax', at: 501, expected: 'less nesting' })
  }
})

test('agrees with JSON.parse on 20,000 damaged texts', () => {
  const seeds = [
    '{"a":[1,-0.5e+3,true,null,{"b":"\\ud83d\\n\\\\"}],"c":{}}',
    '[[],{"x":"é\u2028"},false,12]',
    ' "\\u00e9" ',
  ]
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    '0',
    '1',
    '-',
    '.',
    'e',
    't',
    'null',
    ' ',
    '\n',
    '\u0001',
    '\ufeff',
    'é',
  ]
  const random = randomBelow(20_261_201)
  let refused = 0
  for (let round = 0; round < 20_000; round += 1) {
    let text = seeds[round % seeds.length] as string
    for (let edits = random(3); edits >= 0; edits -= 1) {
      const at = random(text.length + 1)
      const piece = random(3) === 0 ? '' : (pieces[random(pieces.length)] as string)
      text = text.slice(0, at) + piece + text.slice(at + random(2))
    }
    const fault = scanJson(text)
    if (fault?.kind === 'duplicate') continue
    assert.equal(fault === undefined, isJson(text), JSON.stringify(text))
    if (fault !== undefined) refused += 1
  }
  assert.ok(refused > 2_000 && refused < 19_000, `${refused} refused`)
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
