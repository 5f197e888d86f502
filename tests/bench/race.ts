// Measures contestants in turns, so that a slow minute of the machine affects all of them equally.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Line } from './run.ts'
import { freshly } from './tokens.ts'

export interface Contestant {
  tokens: readonly Buffer[]
  /** Prepares one pass; not timed. */
  ready?: () => void | Promise<void>
  /** One pass over the tokens; timed. */
  pass: (tokens: readonly string[]) => void | Promise<void>
}

/** Name of the package's own contestant. */
export const OURS = 'portcullis'

const ROUNDS = 7
/** A contestant makes passes until its turn has taken this long. */
const TURN_MS = 25
/** The first turn is long enough for the engine to compile the code that a worker has compiled after some hours. */
export const FIRST_TURN_MS = 300

setFlagsFromString('--expose-gc')
export const collectGarbage = runInNewContext('gc') as () => void

/** Returns microseconds per token: the median of all turns but the first, which warms up. */
export async function race(contestants: Record<string, Contestant>): Promise<Record<string, number>> {
  return inTurns(Object.keys(contestants), async (name, round) => {
    const contestant = contestants[name]
    if (contestant === undefined) throw new Error(`${name} does not take part`)
    return takeTurn(contestant, round === 0 ? FIRST_TURN_MS : TURN_MS)
  })
}

/** Takes turns and returns the median for each name. */
export async function inTurns(
  names: string[],
  turn: (name: string, round: number) => Promise<number>,
): Promise<Record<string, number>> {
  const figures = new Map<string, number[]>(names.map((name) => [name, []]))
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const name of names) {
      const figure = await turn(name, round)
      if (round > 0) figures.get(name)?.push(figure)
    }
  }
  return Object.fromEntries([...figures].map(([name, all]) => [name, median(all)]))
}

export function median(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN
}

/** Makes a line with our figure and those of the peers. */
export function line(bench: string, runtime: Line['runtime'], unit: string, figures: Record<string, number>): Line {
  const { [OURS]: value = Number.NaN, ...peers } = figures
  return { bench, runtime, value, unit, peers }
}

/** Makes passes for `turnMs` in total and returns microseconds per token. */
export async function takeTurn({ tokens, ready, pass }: Contestant, turnMs: number): Promise<number> {
  let elapsedMs = 0
  let passes = 0
  while (elapsedMs < turnMs) {
    await ready?.()
    const strings = freshly(tokens)
    // Garbage of one contestant must not cause a pause in another's turn.
    if (passes === 0) collectGarbage()
    const start = performance.now()
    const pending = pass(strings)
    if (pending !== undefined) await pending
    elapsedMs += performance.now() - start
    passes += 1
  }
  return (elapsedMs * 1000) / (passes * tokens.length)
}
