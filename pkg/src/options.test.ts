import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkOptions, either, integer, list, milliseconds, oneOf, required, shape, string, url } from './options.ts'

const rules = {
  realms: required(list(shape({ name: required(string), mode: oneOf('pull', 'stream') }), 1)),
  waitAfterSeconds: integer('whole seconds'),
  refreshTimeoutMs: milliseconds,
  target: either(url, shape({ keys: list(string) })),
  secret: string,
}
const good = { realms: [{ name: 'a' }] }

const refusals: [string, unknown, RegExp][] = [
  ['no object', undefined, /options must be an object/],
  ['an array', [], /options must be an object/],
  ['a missing option', {}, /options\.realms is missing/],
  ['an empty list', { realms: [] }, /options\.realms must be a non-empty array/],
  ['a nested one', { realms: [{ name: 'a' }, { name: 7 }] }, /options\.realms\[1\]\.name must be a non-empty string/],
  [
    'an unknown name',
    { ...good, waitAfterSecond: 1 },
    /unknown option 'waitAfterSecond'; did you mean 'waitAfterSeconds'\?/,
  ],
  ['another case', { ...good, WAITAFTERSECONDS: 1 }, /did you mean 'waitAfterSeconds'/],
  ['nothing like it', { ...good, zzzzzzzzzzzz: 1 }, /known are realms/],
  [
    'a nested unknown',
    { realms: [{ name: 'a', modes: 'pull' }] },
    /options\.realms\[0\] has an unknown option 'modes'; did you mean 'mode'/,
  ],
  ['NaN', { ...good, waitAfterSeconds: NaN }, /waitAfterSeconds must be a number of whole seconds, 0 or more/],
  ['Infinity', { ...good, waitAfterSeconds: Infinity }, /waitAfterSeconds/],
  ['a fraction', { ...good, waitAfterSeconds: 1.5 }, /waitAfterSeconds/],
  ['a negative', { ...good, waitAfterSeconds: -1 }, /waitAfterSeconds/],
  ['a string for a number', { ...good, waitAfterSeconds: '5' }, /waitAfterSeconds/],
  ['more than timers hold', { ...good, refreshTimeoutMs: 2 ** 31 }, /refreshTimeoutMs/],
  ['no URL', { ...good, target: 'over there' }, /options\.target must be an http: or https: URL/],
  ['a file', { ...good, target: 'file:///etc/passwd' }, /options\.target/],
  ['credentials in a URL', { ...good, target: 'https://me:secret@host/' }, /options\.target/],
  ['null', { ...good, secret: null }, /options\.secret must be a non-empty string/],
  ['a prototype', { ...good, __proto__: { a: 1 }, constructor: 1 }, /unknown option 'constructor'/],
]
for (const [name, options, message] of refusals) {
  test(`refuses ${name}`, () => {
    assert.throws(() => checkOptions(options, rules), { name: 'PortcullisError', code: 'invalid_option', message })
  })
}

test('accepts valid options; undefined counts as absent', () => {
  checkOptions({ ...good, waitAfterSeconds: 0, target: new URL('https://a.example'), secret: undefined }, rules)
  checkOptions({ ...good, target: { keys: [] } }, rules)
})

test('no message contains a value', () => {
  const secret = 'correct-horse-battery'
  for (const options of [
    { realms: secret },
    { ...good, target: `https://u:${secret}@h/` },
    { ...good, waitAfterSeconds: secret },
  ]) {
    assert.throws(
      () => checkOptions(options, rules),
      (error: Error) => !error.message.includes(secret),
    )
  }
})
