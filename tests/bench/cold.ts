// A token that the gate has never seen, so its signature is verified. Every pass uses a new gate.

import type { Gate, GateOptions } from 'portcullis/edge'
import { makeFeed, settingOf, type Feed } from './feed.ts'
import { checkAll, checkAllSync, openGate } from './gate.ts'
import { peers } from './peers.ts'
import { line, OURS, race, type Contestant } from './race.ts'
import type { Bench } from './run.ts'
import { makeKey, mint, type Key } from './tokens.ts'
import { openWorker, type BenchWorker } from './worker/client.ts'

export const ALGORITHMS = ['RS256', 'ES256', 'EdDSA', 'HS256', 'PS256', 'ES384']

export const cold: Bench = {
  names: ['cold_check', 'cold_check_sync'].flatMap((name) => ALGORITHMS.map((algorithm) => `${name}.${algorithm}`)),
  async *run(wanted) {
    const chosen = ALGORITHMS.filter(
      (algorithm) => wanted(`cold_check.${algorithm}`) || wanted(`cold_check_sync.${algorithm}`),
    )
    const feed = await makeFeed({ ids: 100_000, epochs: 10_000 })
    let worker: BenchWorker | undefined
    try {
      for (const algorithm of chosen) {
        const key = await makeKey(algorithm)
        const tokens = await mint(key)
        const others = await peers(key, tokens)
        delete others['fast-jwt cached']
        if (wanted(`cold_check.${algorithm}`)) {
          yield line(
            `cold_check.${algorithm}`,
            'node',
            'µs',
            await race({ [OURS]: newcomer(feed, key, tokens, checkAll), ...others }),
          )
          worker ??= await openWorker()
          const figures = await worker.race({ key, tokens, feed, check: 'check', sight: 'first' })
          yield line(`cold_check.${algorithm}`, 'workerd', 'µs', figures)
        }
        if (wanted(`cold_check_sync.${algorithm}`)) {
          yield line(
            `cold_check_sync.${algorithm}`,
            'node',
            'µs',
            await race({ [OURS]: newcomer(feed, key, tokens, checkAllSync), ...others }),
          )
        }
      }
    } finally {
      await worker?.close()
      await feed.close()
    }
  },
}

/** Creates a gate for each pass. */
export function newcomer(
  feed: Feed,
  key: Key,
  tokens: readonly Buffer[],
  check: (gate: Gate, strings: readonly string[]) => void | Promise<void>,
  options: Partial<GateOptions> = {},
): Contestant {
  let gate: Gate | undefined
  return {
    tokens,
    async ready() {
      gate?.close()
      gate = await openGate(settingOf(feed, [key.jwk]), options)
    },
    pass: (strings) => (gate === undefined ? undefined : check(gate, strings)),
  }
}
