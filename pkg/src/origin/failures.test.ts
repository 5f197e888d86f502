import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FailureLimiter } from './failures.ts'

test('a pair of address and account waits after its allowance; other pairs do not', () => {
  let nowMs = 0
  const limiter = new FailureLimiter(100, () => nowMs)
  for (let failures = 0; failures < 100; failures++) {
    assert.equal(limiter.retryAfterSeconds('203.0.113.7', 'alice'), undefined)
    limiter.failed('203.0.113.7', 'alice')
  }
  assert.equal(limiter.retryAfterSeconds('203.0.113.7', 'alice'), 1)
  assert.equal(limiter.retryAfterSeconds('203.0.113.7', 'bob'), undefined)
  assert.equal(limiter.retryAfterSeconds('203.0.113.8', 'alice'), undefined)
  nowMs += 600
  assert.equal(limiter.retryAfterSeconds('203.0.113.7', 'alice'), undefined)
  limiter.failed('203.0.113.7', 'alice')
  assert.equal(limiter.retryAfterSeconds('203.0.113.7', 'alice'), 1)
  nowMs += 60_000
  for (let failures = 0; failures < 100; failures++) limiter.failed('203.0.113.7', 'alice')
  assert.equal(limiter.retryAfterSeconds('203.0.113.7', 'alice'), 1)
})

test('an attacker with many addresses does not fill the memory', () => {
  const limiter = new FailureLimiter(1, () => 0)
  limiter.failed('first', 'alice')
  for (let index = 0; index < 10_000; index++) limiter.failed(`203.0.113.${index}`, 'alice')
  assert.equal(limiter.retryAfterSeconds('first', 'alice'), undefined)
  assert.notEqual(limiter.retryAfterSeconds('203.0.113.9999', 'alice'), undefined)
})
