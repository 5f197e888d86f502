import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { PortcullisError } from '../errors.ts'
import { MAX_FEED_JWKS_BYTES, MAX_JWKS_BYTES, MAX_KEYS } from './limits.ts'
import { keysSkipped, namingKeys, withKids } from './skipped-keys.ts'

test('each key is listed with its place, its kid and its reason', () => {
  const { code, message, detail } = keysSkipped([
    { index: 0, kid: 'a', reason: 'too_short' },
    { index: 2, reason: 'malformed' },
  ])
  assert.deepEqual([code, detail], ['keys_skipped', 'several'])
  assert.match(message, /^2 keys of the JWK set are not used: keys\[0\] \(kid "a"\): too_short, keys\[2\]: malformed; /)
})

test('a reason shared by all is the detail', () => {
  const skipped = [0, 1].map((index) => ({ index, reason: 'not_for_verification' as const }))
  assert.equal(keysSkipped(skipped).detail, 'not_for_verification')
  assert.equal(keysSkipped([{ index: 0, reason: 'private' }]).detail, 'private')
})

test('lists ten keys and counts the others', () => {
  const { message } = keysSkipped(Array.from({ length: 999 }, (_, index) => ({ index, reason: 'private' as const })))
  assert.match(message, /keys\[9\]: private, and 989 more; /)
  assert.ok(!message.includes('keys[10]'))
})

test('a kid cannot forge a log line, color it or end its quotes', () => {
  for (const kid of [
    'a\nportcullis: all is well',
    '\u{1b}[31m',
    'a" (kid "b',
    'back\\slash',
    '\u{202e}abc',
    '\u{1f600}',
    '\0',
  ]) {
    const { message } = keysSkipped([{ index: 0, kid, reason: 'private' }])
    assert.match(message, /^[\x20-\x7e]+$/)
    assert.equal(message.split('"').length, 3, message)
  }
})

test('kids come from the set if they are strings, and are truncated', () => {
  const set = new TextEncoder().encode(
    JSON.stringify({ keys: [{ kid: 'a' }, null, { kid: 7 }, { kid: 'k'.repeat(1_000) }, 'text'] }),
  )
  const skipped = [0, 1, 2, 3, 4].map((index) => ({ index, reason: 'malformed' as const }))
  assert.deepEqual(
    withKids(skipped, set).map(({ kid }) => kid),
    ['a', undefined, undefined, 'k'.repeat(100), undefined],
  )
  assert.deepEqual(withKids([], new Uint8Array()), [])
})

test('the error of a refused set lists its keys', () => {
  const refused = new PortcullisError('invalid_jwks', 'the JWK set has no usable key (1 skipped)', {
    detail: 'invalid_jwks',
  })
  const named = namingKeys(refused, [{ index: 0, kid: 'a', reason: 'private' }]) as PortcullisError
  assert.deepEqual(
    [named.code, named.detail, named.message],
    ['invalid_jwks', 'invalid_jwks', `${refused.message}: keys[0] (kid "a"): private`],
  )
  assert.equal(namingKeys(refused, []), refused)
  const other = new PortcullisError('jwks_unreachable', 'the JWK set could not be fetched')
  assert.equal(namingKeys(other, [{ index: 0, reason: 'private' }]), other)
})

test('the limits are those of the core', () => {
  const read = (file: string, name: string): number => {
    const [, value = ''] =
      new RegExp(`pub const ${name}: usize = ([^;]+);`).exec(
        readFileSync(new URL(`../../../src/${file}`, import.meta.url), 'utf8'),
      ) ?? []
    const [base = NaN, shift = 0] = value.split('<<').map(Number)
    return base * 2 ** shift
  }
  assert.equal(MAX_KEYS, read('keys.rs', 'MAX_KEYS'))
  assert.equal(MAX_JWKS_BYTES, read('keys.rs', 'MAX_JWKS_BYTES'))
  assert.equal(MAX_FEED_JWKS_BYTES, read('revocation/wire/reader.rs', 'MAX_JWKS_BYTES'))
})
