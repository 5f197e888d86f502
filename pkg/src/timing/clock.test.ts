import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLOCK, clockOf, systemNowMs } from './clock.ts'

test('options can only set a clock by a symbol, which a copy keeps and JSON does not', () => {
  const options = { [CLOCK]: () => 1_000, nowMs: () => 2_000 }
  assert.equal(clockOf(options)(), 1_000)
  assert.equal(clockOf({ ...options })(), 1_000)
  assert.equal(clockOf(JSON.parse(JSON.stringify(options)) as object), systemNowMs)
  assert.equal(clockOf({ nowMs: () => 2_000, 'portcullis.clock': () => 3_000 }), systemNowMs)
})

test("the system's clock is read at each call, so that a replacement takes effect", (t) => {
  const nowMs = clockOf({})
  t.mock.method(Date, 'now', () => 5)
  assert.equal(nowMs(), 5)
})
