// Statistics of a paired run, on made-up figures with a known result.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compare, judge, spreadOf } from './statistics.ts'
import { outcomeOf, takeTurns, type Station } from './turns.ts'

/** Makes samples around `center`: each launch deviates by up to `ofLaunch`, each round by up to `ofRound`. */
function samples(center: number, ofLaunch: number, ofRound: number, seed: number): number[][] {
  let state = seed
  const off = (share: number): number => {
    state = (state * 48_271) % 2_147_483_647
    return 1 + share * ((2 * state) / 2_147_483_647 - 1)
  }
  return Array.from({ length: 5 }, () => {
    const launched = center * off(ofLaunch)
    return Array.from({ length: 5 }, () => launched * off(ofRound))
  })
}

test('the ratio is the ratio of the medians, in spite of outliers', () => {
  const before = [
    [10, 10, 11, 9, 500],
    [10, 10, 10, 10, 10],
  ]
  const after = [
    [11, 11, 11, 11, 11],
    [11, 11, 700, 11, 11],
  ]
  assert.equal(compare(before, after).ratio, 1.1)
})

test('a build compared to itself lies within its own spread, and the interval contains 1', () => {
  let within = 0
  for (let seed = 1; seed <= 40; seed += 1) {
    const { ratio, interval } = compare(samples(7, 0.02, 0.02, seed), samples(7, 0.02, 0.02, seed + 1_000))
    assert.ok(interval[0] <= ratio && ratio <= interval[1], `${interval[0]} ${ratio} ${interval[1]}`)
    if (interval[0] <= 1 && 1 <= interval[1]) within += 1
  }
  // About 95 %; chance and the small number of launches need some tolerance.
  assert.ok(within >= 34, `${within} of 40`)
})

test('launches widen the spread: turns of one process agree with each other, so they prove less', () => {
  const steady = compare(samples(1, 0, 0.01, 3), samples(1, 0, 0.01, 4))
  const moody = compare(samples(1, 0.05, 0.01, 3), samples(1, 0.05, 0.01, 4))
  assert.ok(spreadOf(steady) < 0.02, `${spreadOf(steady)}`)
  assert.ok(spreadOf(moody) > 2 * spreadOf(steady), `${spreadOf(moody)}`)
})

test('the same samples give the same interval', () => {
  const [before, after] = [samples(3, 0.02, 0.02, 5), samples(3, 0.02, 0.02, 6)]
  assert.deepEqual(compare(before, after), compare(before, after))
})

test('the spread is the far end of the interval', () => {
  assert.equal(spreadOf({ ratio: 1, interval: [0.5, 1.25] }), 0.5)
  assert.equal(spreadOf({ ratio: 1.5, interval: [1.25, 1.75] }), 0.75)
})

test('a bar of N % is 1 + max(N %, spread)', () => {
  assert.equal(judge(1.03, 0.03, 0), 'within bar')
  assert.equal(judge(0.5, 0.03, 0), 'within bar')
  assert.equal(judge(1.031, 0.03, 0), 'slower')
  assert.equal(judge(1.031, 0.03, 0.05), 'within spread')
  assert.equal(judge(1.051, 0.03, 0.05), 'slower')
  assert.equal(judge(Number.NaN, 0.03, 0), 'slower')
})

test('a bar of three percent detects ten percent when the machine is quiet', () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const contestants = [0, 1, 2, 3].map((contestant) =>
      samples(contestant === 1 ? 1.1 : 1, 0.01, 0.02, seed * 10 + contestant),
    )
    const { paired, spread } = outcomeOf('lower', contestants)
    assert.equal(judge(paired.ratio, 0.03, spread), 'slower')
  }
})

test('a lower rate gives a higher ratio', () => {
  const { before, after, paired } = outcomeOf('higher', [[[100]], [[50]], [[100]], [[100]]])
  assert.deepEqual([before, after, paired.ratio], [100, 50, 2])
})

test('contestants take turns: each launch has new processes, each round starts with a different contestant', async () => {
  const turns: string[] = []
  let opened = 0
  let closed = 0
  const open = async (build: { label: string }): Promise<Station> => {
    opened += 1
    const name = `${build.label}${opened}`
    return {
      prepare: () => Promise.resolve(),
      turn: (round) => Promise.resolve(turns.push(`${round} ${name}`)),
      close: () => Promise.resolve(void (closed += 1)),
    }
  }
  const builds = { before: { label: 'before', root: 'a' }, after: { label: 'after', root: 'b' } } as const
  const outcomes = await takeTurns(builds, ['x'], { launches: 2, rounds: 2 }, 'lower', open)
  const outcome = outcomes.get('x')
  assert.ok(outcome !== undefined && !(outcome instanceof Error))
  assert.deepEqual([opened, closed, turns.length, outcome.rounds], [8, 8, 24, 4])
  assert.deepEqual(turns.slice(4, 8), ['1 after2', '1 before3', '1 before4', '1 before1'])
  assert.equal(new Set(turns).size, 24)
})

test('a figure that one of the builds lacks is skipped, and the others are measured', async () => {
  let prepared = 0
  const open = async (build: { label: string }): Promise<Station> => ({
    prepare: (figure) => {
      prepared += 1
      return figure === 'new' && build.label === 'before'
        ? Promise.reject(new Error('missing export'))
        : Promise.resolve()
    },
    turn: () => Promise.resolve(1),
    close: () => Promise.resolve(),
  })
  const builds = { before: { label: 'before', root: 'a' }, after: { label: 'after', root: 'b' } } as const
  const outcomes = await takeTurns(builds, ['new', 'old'], { launches: 2, rounds: 1 }, 'lower', open)
  assert.match(String(outcomes.get('new')), /missing export/)
  assert.deepEqual([(outcomes.get('old') as { rounds: number }).rounds, prepared], [2, 9])
})

test('when a contestant fails, all are closed', async () => {
  let [opened, closed] = [0, 0]
  const open = async (): Promise<Station> => {
    opened += 1
    if (opened === 2) throw new Error('missing export')
    return {
      prepare: () => Promise.resolve(),
      turn: () => Promise.resolve(1),
      close: () => Promise.resolve(void (closed += 1)),
    }
  }
  const builds = { before: { label: 'before', root: 'a' }, after: { label: 'after', root: 'b' } } as const
  await assert.rejects(takeTurns(builds, ['x'], { launches: 1, rounds: 1 }, 'lower', open), /missing export/)
  assert.equal(closed, 3)
})
