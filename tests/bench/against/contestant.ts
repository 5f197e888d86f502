// A contestant in Node: a process that imports one build of the package, and takes a turn on each message.

import type { Gate } from 'portcullis/edge'
import { newcomer } from '../cold.ts'
import { readFeed, settingOf, type Feed, type FeedFolder } from '../feed.ts'
import { checkAll, checkAllSync, openGate } from '../gate.ts'
import { takeTurn, type Contestant } from '../race.ts'
import { applyDelta, firstVerdict } from '../state.ts'
import { freshly, type Key } from '../tokens.ts'
import { recheck } from '../warm.ts'

/** The work to measure, with the gate's method where it has two. */
export type Work =
  | { kind: 'warm' | 'cold'; check: 'check' | 'checkSync' }
  | { kind: 'recheck' | 'first verdict' | 'delta' }

export interface Job {
  work: Work
  feed: FeedFolder
  jwk: Key['jwk']
  tokens: Buffer[]
}

export type Order = { prepare: Job } | { turn: number }
export type Answer = { figure: number } | { error: string }

/** The warm-up turn, once in every launch: enough calls for the engine's compiler. */
const FIRST_TURN_MS = 150
/** Short, so that other programs interrupt few turns, and the median ignores those. */
const TURN_MS = 25
/** First verdicts in a turn; half of them are counted. */
const FIRST_VERDICTS = 16

type Turn = (round: number) => Promise<number>

const feeds = new Map<string, Promise<Feed>>()
let turn: Turn = () => Promise.reject(new Error('no figure was prepared'))
let close: () => void = () => undefined

process.on('message', (order: Order) => {
  obey(order).then(answer, (error: unknown) =>
    answer({ error: error instanceof Error ? error.message : String(error) }),
  )
})

async function obey(order: Order): Promise<Answer> {
  if ('turn' in order) return { figure: await turn(order.turn) }
  close()
  close = () => undefined
  turn = await prepare(order.prepare)
  return { figure: Number.NaN }
}

function answer(text: Answer): void {
  process.send?.(text)
}

async function prepare({ work, feed: place, jwk, tokens }: Job): Promise<Turn> {
  const reading = feeds.get(place.folder) ?? readFeed(place)
  feeds.set(place.folder, reading)
  const feed = await reading
  // Only the verifying half is needed here.
  const key = { jwk } as Key
  switch (work.kind) {
    case 'warm': {
      const gate = await openGate(settingOf(feed, [jwk]))
      close = () => gate.close()
      await checkAll(gate, freshly(tokens))
      return passes({ tokens, pass: (strings) => checking(work.check)(gate, strings) })
    }
    case 'cold':
      return passes(newcomer(feed, key, tokens, checking(work.check)))
    case 'recheck':
      return passes(await recheck(feed, settingOf(feed, [jwk]), tokens))
    case 'first verdict':
      return (round) => firstVerdict(feed, key, tokens, round === 0 ? 2 * FIRST_VERDICTS : FIRST_VERDICTS)
    case 'delta':
      return () => applyDelta(feed)
  }
}

function checking(method: 'check' | 'checkSync'): (gate: Gate, strings: readonly string[]) => void | Promise<void> {
  switch (method) {
    case 'check':
      return checkAll
    case 'checkSync':
      return checkAllSync
  }
}

/** Returns microseconds per token. */
function passes(contestant: Contestant): Turn {
  return (round) => takeTurn(contestant, round === 0 ? FIRST_TURN_MS : TURN_MS)
}
