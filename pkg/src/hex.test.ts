import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromHex, toHex } from './hex.ts'

test('bytes to digits and back', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte)
  assert.equal(toHex(bytes), Buffer.from(bytes).toString('hex'))
  assert.deepEqual(fromHex(toHex(bytes)), bytes)
  assert.equal(toHex(new Uint8Array()), '')
  assert.deepEqual(fromHex(''), new Uint8Array())
})
