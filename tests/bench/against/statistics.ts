// Statistics of a paired run: the ratio of two builds, the spread of a build against itself, and the verdict.
//
// Each process has its own memory layout and compiled code, which makes all its turns a little faster or slower
// together. So turns are grouped by launch (a new set of processes), and a bootstrap that draws launches first and
// rounds second gives the intervals.

import { median } from '../race.ts'

/** Samples of one contestant: a list of rounds for each launch. Lower is better. */
export type Samples = readonly (readonly number[])[]

export interface Paired {
  /** Median of `after` over median of `before`: 1.03 is 3 % more time. */
  ratio: number
  /** 95 % interval of the ratio. */
  interval: [number, number]
}

/** A ratio compared to its bar. `within spread` means that the machine was too noisy for the bar itself to decide. */
export type BarVerdict = 'within bar' | 'within spread' | 'slower'

const RESAMPLES = 2_000
const OUTSIDE = 0.05
/** An arbitrary fixed seed, so that the same samples give the same interval. */
const SEED = 0x9e3779b9

/** Compares two contestants that took turns, so that in each round the machine was in the same state for both. */
export function compare(before: Samples, after: Samples): Paired {
  const ratios = resample(before, after)
  const at = (share: number): number =>
    ratios[Math.min(ratios.length - 1, Math.floor(share * ratios.length))] ?? Number.NaN
  return {
    ratio: median(after.flat()) / median(before.flat()),
    interval: [at(OUTSIDE / 2), at(1 - OUTSIDE / 2)],
  }
}

/**
 * Returns how far from 1 the ratio of a build to itself may be: the farther end of its interval, or the ratio itself if
 * that is farther.
 */
export function spreadOf({ ratio, interval }: Paired): number {
  return Math.max(...[ratio, ...interval].map((value) => Math.abs(value - 1)))
}

/** Compares a ratio to a bar of N %: passes if ratio <= 1 + max(N %, the spread of the A/A run). */
export function judge(ratio: number, bar: number, spread: number): BarVerdict {
  if (ratio <= 1 + bar) return 'within bar'
  // NaN counts as slower.
  return ratio <= 1 + spread ? 'within spread' : 'slower'
}

/** Returns the ratios of resampled runs, in ascending order. */
function resample(before: Samples, after: Samples): number[] {
  const random = randomNumbers(SEED)
  const below = (count: number): number => Math.floor(random() * count)
  const ratios: number[] = []
  for (let resampled = 0; resampled < RESAMPLES; resampled += 1) {
    const drawn: [number[], number[]] = [[], []]
    for (let count = 0; count < before.length; count += 1) {
      const launch = below(before.length)
      const [left = [], right = []] = [before[launch], after[launch]]
      for (let round = 0; round < left.length; round += 1) {
        const chosen = below(left.length)
        drawn[0].push(left[chosen] ?? Number.NaN)
        drawn[1].push(right[chosen] ?? Number.NaN)
      }
    }
    ratios.push(median(drawn[1]) / median(drawn[0]))
  }
  return ratios.sort((a, b) => a - b)
}

/** Returns a generator of numbers in [0, 1): mulberry32. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
