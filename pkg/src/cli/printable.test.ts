import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printable } from './printable.ts'

test('control characters are replaced, and lines stay lines', () => {
  assert.equal(
    printable('client \u001b]0;title\u0007 \u009b2J\r web\u007f'),
    'client \ufffd]0;title\ufffd \ufffd2J\ufffd web\ufffd',
  )
  assert.equal(printable('a line\n\tand äß€😀\n'), 'a line\n\tand äß€😀\n')
})
