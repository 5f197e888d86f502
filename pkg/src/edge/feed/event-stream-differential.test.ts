// The parser beside the `eventsource-parser` package: random streams, cut into chunks at random.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createParser } from 'eventsource-parser'
import { EventParser } from './event-stream.ts'
import { randomBelow } from '../../test-fixtures/random.ts'

const LINES = [
  'data: a',
  'data:b',
  'data',
  'event: x',
  'event',
  ': c',
  'id: 1',
  'retry: 5',
  'foo: b',
  'data:  é𝄞',
  'data: x: y',
]
const ENDS = ['\n', '\r\n', '\r']

test('returns the events of eventsource-parser for 5,000 random streams', () => {
  const random = randomBelow(20_261_201)
  let events = 0
  for (let round = 0; round < 5_000; round += 1) {
    let text = random(5) === 0 ? '\ufeff' : ''
    for (let lines = random(12); lines > 0; lines -= 1) {
      text += (random(3) === 0 ? '' : LINES[random(LINES.length)]) + (ENDS[random(ENDS.length)] as string)
    }
    // The library holds back a CR at the end of a chunk until it knows whether LF follows.
    const bytes = new TextEncoder().encode(`${text}:\n`)
    const cuts = Array.from({ length: random(4) }, () => random(bytes.length + 1)).sort((one, other) => one - other)
    const chunks = [0, ...cuts].map((cut, index) => bytes.subarray(cut, cuts[index] ?? bytes.length))
    const expected = byLibrary(chunks)
    assert.deepEqual(byOurs(chunks), expected, JSON.stringify({ text, cuts }))
    events += expected.length
  }
  assert.ok(events > 1_000, `${events} events`)
})

function byOurs(chunks: Uint8Array[]): [string, string][] {
  const parser = new EventParser(100_000)
  return chunks.flatMap((chunk) => parser.push(chunk)).map(({ type, data }) => [type, data])
}

function byLibrary(chunks: Uint8Array[]): [string, string][] {
  const events: [string, string][] = []
  const parser = createParser({ onEvent: ({ event = 'message', data }) => void events.push([event, data]) })
  const decoder = new TextDecoder()
  for (const chunk of chunks) parser.feed(decoder.decode(chunk, { stream: true }))
  return events
}
