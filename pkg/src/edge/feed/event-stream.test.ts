import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventParser, type ServerEvent } from './event-stream.ts'

const text = [
  ': hello\n\n',
  'event: feed\nid: 7\ndata: QUJD\n\n',
  'data:one\r\ndata: two\r\n\r\n',
  'event: empty\n\n',
  'event: feed\rdata\r\r',
  'retry: 10\ndata: é\n\n',
].join('')
const events: ServerEvent[] = [
  { type: 'feed', data: 'QUJD' },
  { type: 'message', data: 'one\ntwo' },
  { type: 'feed', data: '' },
  { type: 'message', data: 'é' },
]

test('parses the same events regardless of how the bytes are split', () => {
  const bytes = new TextEncoder().encode(text)
  for (let size = 1; size <= bytes.length; size++) {
    const parser = new EventParser(100)
    const found: ServerEvent[] = []
    for (let at = 0; at < bytes.length; at += size) found.push(...parser.push(bytes.subarray(at, at + size)))
    assert.deepEqual(found, events, `pieces of ${size}`)
  }
})

test('buffers no more than its limit, in one line or many', () => {
  const encode = (value: string) => new TextEncoder().encode(value)
  const long = new EventParser(1000)
  assert.throws(() => {
    for (let i = 0; i < 20; i++) long.push(encode('x'.repeat(100)))
  }, RangeError)
  const many = new EventParser(1000)
  assert.throws(() => {
    for (let i = 0; i < 300; i++) many.push(encode('data: x\n'))
  }, RangeError)
})

test('heartbeat comments do not accumulate', () => {
  const parser = new EventParser(100)
  for (let i = 0; i < 1000; i++) parser.push(new TextEncoder().encode(': still here\n'))
})
