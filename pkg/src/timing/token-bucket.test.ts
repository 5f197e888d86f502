import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TokenBucket } from './token-bucket.ts'

test('gives its tokens at once, then one token each refill', () => {
  const bucket = new TokenBucket({ size: 2, refillMs: 100 })
  assert.deepEqual([bucket.take(0), bucket.take(0), bucket.take(0)], [true, true, false])
  assert.equal(bucket.waitMs(0), 100)
  assert.equal(bucket.take(99), false)
  assert.equal(bucket.waitMs(99), 1)
  assert.equal(bucket.take(100), true)
  assert.equal(bucket.take(150), false)
  assert.equal(bucket.left(150), 0.5)
})

test('never holds more than its size', () => {
  const bucket = new TokenBucket({ size: 2, refillMs: 100 })
  bucket.spend(0)
  assert.equal(bucket.left(1_000_000), 2)
  bucket.spend(1_000_000)
  assert.equal(bucket.left(1_000_000), 1)
})

test('tokens overdrawn must be refilled first', () => {
  const bucket = new TokenBucket({ size: 2, refillMs: 100 })
  bucket.spend(0, 5)
  assert.equal(bucket.left(0), -3)
  assert.equal(bucket.waitMs(0), 400)
  assert.equal(bucket.take(399), false)
  assert.equal(bucket.take(400), true)
})

test('setting the clock back changes nothing', () => {
  const bucket = new TokenBucket({ size: 1, refillMs: 100 })
  assert.equal(bucket.take(1_000_000), true)
  assert.equal(bucket.take(0), false)
  assert.equal(bucket.take(99), false)
  assert.equal(bucket.take(100), true)
})

test('whole milliseconds add up', () => {
  const bucket = new TokenBucket({ size: 1, refillMs: 1000 })
  bucket.spend(0)
  for (let ms = 1; ms < 1000; ms += 1) assert.equal(bucket.take(ms), false)
  assert.equal(bucket.take(1000), true)
})

test('a returned token can be taken at once, but never exceeds a full bucket', () => {
  const bucket = new TokenBucket({ size: 1, refillMs: 1000 })
  assert.equal(bucket.take(0), true)
  bucket.giveBack(10)
  assert.equal(bucket.take(10), true)
  assert.equal(bucket.take(10), false)
  bucket.giveBack(2000)
  bucket.giveBack(2000)
  assert.deepEqual([bucket.take(2000), bucket.take(2000)], [true, false])
})
