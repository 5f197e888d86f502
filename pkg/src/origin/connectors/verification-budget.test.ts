import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { VerificationBudget } from './verification-budget.ts'

/** Returns a budget whose clock and timers move only when the test moves them. */
function timed(
  t: TestContext,
  perSecond: number,
): { budget: VerificationBudget; advance: (ms: number) => Promise<void> } {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let nowMs = 0
  return {
    budget: new VerificationBudget(perSecond, () => nowMs),
    async advance(ms) {
      nowMs += ms
      t.mock.timers.tick(ms)
      await settled()
    },
  }
}

/** Returns the current state of a promise. */
function watch(promise: Promise<void>): { outcome: string } {
  const watched = { outcome: 'waiting' }
  promise.then(
    () => (watched.outcome = 'taken'),
    (error: { reason?: string }) => (watched.outcome = error.reason ?? 'failed'),
  )
  return watched
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve()
}

test("allows a second's worth of verifications at once, and later ones wait their turn for at most two seconds", async (t) => {
  const { budget, advance } = timed(t, 10)
  const all = Array.from({ length: 32 }, () => watch(budget.take()))
  const count = (outcome: string): number => all.filter((watched) => watched.outcome === outcome).length
  await settled()
  assert.deepEqual([count('taken'), count('waiting'), count('too_busy')], [10, 20, 2])
  await advance(100)
  assert.equal(count('taken'), 11)
  assert.deepEqual(all.map(({ outcome }) => outcome).slice(9, 12), ['taken', 'taken', 'waiting'])
  await advance(1_900)
  assert.deepEqual([count('taken'), count('waiting'), count('too_busy')], [30, 0, 2])
})

test('at most a thousand messages wait, however fast verifications are', async (t) => {
  const { budget, advance } = timed(t, 100_000)
  const all = Array.from({ length: 101_100 }, () => watch(budget.take()))
  await settled()
  assert.equal(all.filter(({ outcome }) => outcome === 'waiting').length, 1_000)
  assert.equal(all.filter(({ outcome }) => outcome === 'too_busy').length, 100)
  await advance(20)
  assert.equal(all.filter(({ outcome }) => outcome === 'waiting').length, 0)
})

test('a verification that is given back can be used again', async (t) => {
  const { budget } = timed(t, 1)
  await budget.take()
  budget.giveBack()
  await budget.take()
  const [second, third, fourth] = [watch(budget.take()), watch(budget.take()), watch(budget.take())]
  await settled()
  assert.deepEqual([second.outcome, third.outcome, fourth.outcome], ['waiting', 'waiting', 'too_busy'])
})
