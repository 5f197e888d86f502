import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NegativeAnswers } from './negative-answers.ts'
import { RealmMarks } from './realm-marks.ts'

test('negative answers are bounded, evicted oldest first, and shortened if the clock goes back', () => {
  const answers = new NegativeAnswers()
  for (let number = 0; number < 10_000; number += 1) answers.add(`forged-${number}`, 1_000_000 + number)
  assert.equal(answers.size, 256)
  assert.equal(answers.has('forged-9999', 1_010_000), true)
  assert.equal(answers.has('forged-0', 1_010_000), false)
  assert.equal(answers.has('forged-9999', 0), false)
  answers.add('later', 2_000_000)
  assert.equal(answers.size, 1)
})

test('marks of evicted realms are bounded and evicted oldest first', () => {
  const marks = new RealmMarks(3)
  for (const issuer of ['a', 'b', 'c', 'a', 'd'])
    marks.add(issuer, { marks: undefined, feedKeys: [], isReturning: true })
  assert.equal(marks.size, 3)
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((issuer) => marks.get(issuer) !== undefined),
    [true, false, true, true],
  )
  marks.distrust('a')
  assert.deepEqual([marks.isReturning('a'), marks.isReturning('b'), marks.isReturning('c')], [false, false, true])
  assert.notEqual(marks.get('a'), undefined, 'the position is kept')
})
