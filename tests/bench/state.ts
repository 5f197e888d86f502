// The revocation state: lookup, load and update.

import { makeFeed, settingOf, type Feed, type Order } from './feed.ts'
import { checkAll, openGate, unopenedGate } from './gate.ts'
import { openModule } from './module.ts'
import { collectGarbage, line, median, OURS } from './race.ts'
import type { Bench, Line } from './run.ts'
import { freshly, makeKey, mint, type Key } from './tokens.ts'
import { openWorker } from './worker/client.ts'

export const MILLION: Order = { ids: 1_000_000, epochs: 100_000 }
/** Deltas as pushes deliver them; enough that the last half runs compiled code and a key with its tables. */
export const DELTAS = { deltas: 600, changes: 100 }
const LOOK_UPS = 200_000
const ROUNDS = 7
/** First verdicts; the first half warms up, like the first turn elsewhere. `size` has the cost of a cold module. */
const FIRST_VERDICTS = 80

export const state: Bench = {
  names: ['status', 'first_verdict', 'apply_delta'],
  async *run(wanted) {
    const feed = await makeFeed({ ...MILLION, ...DELTAS })
    try {
      if (wanted('status')) yield figure('status', 'ns', await lookUp(feed))
      if (wanted('first_verdict')) {
        const key = await makeKey('RS256')
        const tokens = await mint(key, 1)
        yield figure('first_verdict', 'ms', await firstVerdict(feed, key, tokens))
        const worker = await openWorker()
        try {
          const stage = { key, tokens, feed, check: 'check', sight: 'again' } as const
          yield line('first_verdict', 'workerd', 'ms', { [OURS]: await worker.time(stage, 'first verdict') })
        } finally {
          await worker.close()
        }
      }
      if (wanted('apply_delta')) yield figure('apply_delta', 'ms', await applyDelta(feed))
    } finally {
      await feed.close()
    }
  },
}

const SIZES: Record<string, number> = {
  '1k': 1_000,
  '10k': 10_000,
  '100k': 100_000,
  '1M': 1_000_000,
  '10M': 10_000_000,
}
const GROWING = ['bytes', 'load', 'first_verdict', 'lookup', 'delta']

/** The same for sizes over four decades, with a tenth as many epochs as ids. */
export const growth: Bench = {
  names: GROWING.flatMap((what) => Object.keys(SIZES).map((size) => `growth.${what}.${size}`)),
  async *run(wanted) {
    const key = await makeKey('RS256')
    const tokens = await mint(key, 1)
    for (const [size, ids] of Object.entries(SIZES)) {
      const names = GROWING.map((what) => `growth.${what}.${size}`)
      const [bytes = '', loaded = '', first = '', lookup = '', delta = ''] = names
      if (!names.some(wanted)) continue
      const feed = await makeFeed({ ids, epochs: ids / 10, ...DELTAS })
      try {
        const total = [...feed.files.values()].reduce((sum, file) => sum + file.length, 0)
        if (wanted(bytes)) yield figure(bytes, 'bytes', total)
        if (wanted(loaded)) yield figure(loaded, 'ms', await load(feed, key))
        if (wanted(first)) yield figure(first, 'ms', await firstVerdict(feed, key, tokens))
        if (wanted(lookup)) yield figure(lookup, 'ns', await lookUp(feed))
        if (wanted(delta)) yield figure(delta, 'ms', await applyDelta(feed))
      } finally {
        await feed.close()
      }
    }
  },
}

/** Measures a lookup in wasm at every level of revocation, including hashing. */
export async function lookUp(feed: Feed): Promise<number> {
  const module = await openModule()
  module.load(feed)
  module.lookUp(LOOK_UPS)
  return median(Array.from({ length: ROUNDS }, () => module.lookUp(LOOK_UPS)))
}

/** Measures from the feed's bytes in memory to the first accepted token; the signature is a small part of it. */
export async function firstVerdict(
  feed: Feed,
  key: Key,
  tokens: readonly Buffer[],
  verdicts = FIRST_VERDICTS,
): Promise<number> {
  const figures: number[] = []
  for (let round = 0; round < verdicts; round += 1) {
    const strings = freshly(tokens)
    collectGarbage()
    const start = performance.now()
    const gate = unopenedGate(settingOf(feed, [key.jwk]))
    await checkAll(gate, strings)
    figures.push(performance.now() - start)
    gate.close()
  }
  return median(figures.slice(verdicts / 2))
}

/** Measures from the feed's bytes in memory to the whole state with every section. */
async function load(feed: Feed, key: Key): Promise<number> {
  const figures: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    collectGarbage()
    const start = performance.now()
    const gate = await openGate(settingOf(feed, [key.jwk]))
    figures.push(performance.now() - start)
    gate.close()
  }
  return median(figures)
}

export async function applyDelta(feed: Feed): Promise<number> {
  const key = await makeKey('ES256')
  const gate = await openGate(settingOf(feed, [key.jwk]))
  const figures = feed.deltas.map((delta) => {
    const start = performance.now()
    const { changed } = gate.applyFeed(delta)
    const elapsedMs = performance.now() - start
    if (!changed) throw new Error('a delta did not change anything')
    return elapsedMs
  })
  gate.close()
  return median(figures.slice(figures.length / 2))
}

function figure(bench: string, unit: string, value: number): Line {
  return line(bench, 'node', unit, { [OURS]: value })
}
