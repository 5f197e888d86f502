// Runs the contestants of a paired run in turns: the build before, the build after, and the build before twice more, to
// measure the spread of an unchanged build.

import { median } from '../race.ts'
import type { Build, Builds } from './build.ts'
import { compare, spreadOf, type Paired, type Samples } from './statistics.ts'

/** One contestant, in separate processes, so that code compiled or profiled by an engine is not shared. */
export interface Station {
  /** Prepares for the turns of a figure. */
  prepare(figure: string): Promise<void>
  /** Measures the figure prepared last once. Round 0 warms up and is not counted. */
  turn(round: number): Promise<number>
  close(): Promise<void>
}

interface Schedule {
  /** Sets of new processes. */
  launches: number
  /** Counted rounds of each launch. */
  rounds: number
}

/**
 * 15 rounds in 3 launches: a process may stay 2 % faster than its twin until it exits, which only further processes
 * reveal. More launches would reveal it better, but each costs some seconds for every figure.
 */
export const LIVING: Schedule = { launches: 3, rounds: 5 }
/** For turns that start processes of their own. */
export const PASSING: Schedule = { launches: 1, rounds: 15 }

/** Times are better when lower, rates when higher; a ratio above 1 is the slower build in both cases. */
type Better = 'lower' | 'higher'

/** Medians and both comparisons. The A/A run has its own processes and samples. */
export interface Outcome {
  before: number
  after: number
  paired: Paired
  control: Paired
  spread: number
  rounds: number
}

/** The contestants in order: two to compare, two for the A/A run. */
const CONTESTANTS = ['before', 'after', 'before', 'before'] as const

/** Outcomes by figure; an error says what a build lacks. */
export type Outcomes = Map<string, Outcome | Error>

/** Runs every figure in every launch. Each round begins with a different contestant. */
export async function takeTurns(
  builds: Builds,
  figures: readonly string[],
  { launches, rounds }: Schedule,
  better: Better,
  open: (build: Build) => Promise<Station>,
): Promise<Outcomes> {
  const samples = new Map(figures.map((figure) => [figure, CONTESTANTS.map((): number[][] => [])]))
  const failed = new Map<string, Error>()
  for (let launch = 0; launch < launches; launch += 1) {
    const opened = await Promise.allSettled(CONTESTANTS.map((label) => open(builds[label])))
    const stations = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    try {
      for (const result of opened) if (result.status === 'rejected') throw result.reason
      for (const [figure, ofContestants] of samples) {
        if (failed.has(figure)) continue
        try {
          const measured = await measure(stations, figure, rounds, launch)
          measured.forEach((ofRounds, contestant) => ofContestants[contestant]?.push(ofRounds))
        } catch (error) {
          failed.set(figure, error instanceof Error ? error : new Error(String(error)))
        }
      }
    } finally {
      await Promise.all(stations.map((station) => station.close()))
    }
  }
  return new Map(
    [...samples].map(([figure, ofContestants]) => [figure, failed.get(figure) ?? outcomeOf(better, ofContestants)]),
  )
}

/** Runs the rounds of each station. */
async function measure(
  stations: readonly Station[],
  figure: string,
  rounds: number,
  launch: number,
): Promise<number[][]> {
  for (const station of stations) await station.prepare(figure)
  const measured = stations.map((): number[] => [])
  for (let round = 0; round <= rounds; round += 1) {
    for (let count = 0; count < stations.length; count += 1) {
      const number = (count + round + launch) % stations.length
      const value = (await stations[number]?.turn(round)) ?? Number.NaN
      if (round > 0) measured[number]?.push(value)
    }
  }
  return measured
}

/** Compares samples, which are in the order of the contestants. */
export function outcomeOf(better: Better, samples: readonly Samples[]): Outcome {
  const [before = [], after = [], ...twins] = samples
  // Converts a rate to the time of one operation.
  const costs = ([first = [], second = []]: readonly Samples[]): Paired =>
    better === 'lower' ? compare(first, second) : compare(inverse(first), inverse(second))
  const control = costs(twins)
  return {
    before: median(before.flat()),
    after: median(after.flat()),
    paired: costs([before, after]),
    control,
    spread: spreadOf(control),
    rounds: before.flat().length,
  }
}

function inverse(samples: Samples): Samples {
  return samples.map((launch) => launch.map((figure) => 1 / figure))
}
