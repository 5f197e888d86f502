import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecentMessages } from './recent-messages.ts'

test('remembers the last ten thousand messages', () => {
  const recent = new RecentMessages()
  for (let index = 0; index < 10_000; index += 1) recent.add(`m${index}`)
  assert.ok(recent.has('m0'))
  recent.add('m0')
  recent.add('m10000')
  assert.deepEqual(
    [recent.has('m0'), recent.has('m1'), recent.has('m2'), recent.has('m10000')],
    [true, false, true, true],
  )
})
