import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backoffMs, spreadBackoffMs } from './backoff.ts'

const BACKOFF = { firstMs: 100, longestMs: 1_000 }

test('doubles with each failure up to the maximum pause', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6, 10_000].map((failures) => backoffMs(BACKOFF, failures)),
    [0, 100, 200, 400, 800, 1_000, 1_000, 1_000],
  )
})

test('spreads over the upper half', () => {
  for (let round = 0; round < 100; round += 1) {
    const pause = spreadBackoffMs(BACKOFF, 3)
    assert.ok(pause >= 200 && pause < 400)
  }
  assert.equal(spreadBackoffMs(BACKOFF, 0), 0)
})
