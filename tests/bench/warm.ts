// A token that the gate has seen before, with 100,000 revoked ids and 10,000 epochs loaded.

import { makeFeed, settingOf, type Feed } from './feed.ts'
import { checkAll, checkAllSync, openGate, type GateSetting } from './gate.ts'
import { fastJwt, peers } from './peers.ts'
import { line, OURS, race, type Contestant } from './race.ts'
import type { Bench } from './run.ts'
import { freshly, makeKey, mint } from './tokens.ts'
import { openWorker } from './worker/client.ts'

/** Deltas of one change each. When they are used up, a new gate begins with the first one. */
export const DELTAS = 500

export const warm: Bench = {
  names: ['warm_check', 'warm_check.async', 'warm_recheck'],
  async *run(wanted) {
    const feed = await makeFeed({ ids: 100_000, epochs: 10_000, deltas: DELTAS })
    try {
      const key = await makeKey('RS256')
      const tokens = await mint(key)
      const setting = settingOf(feed, [key.jwk])
      const gate = await openGate(setting)
      await checkAll(gate, freshly(tokens))
      if (wanted('warm_check')) {
        const ours = { tokens, pass: (strings: readonly string[]) => checkAllSync(gate, strings) }
        yield line('warm_check', 'node', 'µs', await race({ [OURS]: ours, ...(await peers(key, tokens)) }))
      }
      if (wanted('warm_check.async')) {
        const ours = { tokens, pass: (strings: readonly string[]) => checkAll(gate, strings) }
        yield line('warm_check.async', 'node', 'µs', await race({ [OURS]: ours, ...(await peers(key, tokens)) }))
      }
      gate.close()
      if (wanted('warm_recheck')) {
        const ours = await recheck(feed, setting, tokens)
        yield line('warm_recheck', 'node', 'µs', await race({ [OURS]: ours, ...fastJwt(key, tokens) }))
      }
      if (wanted('warm_check') || wanted('warm_check.async')) {
        const worker = await openWorker()
        try {
          for (const [bench, check] of [
            ['warm_check', 'checkSync'],
            ['warm_check.async', 'check'],
          ] as const) {
            if (wanted(bench))
              yield line(bench, 'workerd', 'µs', await worker.race({ key, tokens, feed, check, sight: 'again' }))
          }
        } finally {
          await worker.close()
        }
      }
    } finally {
      await feed.close()
    }
  },
}

/**
 * Changes the state before every check of a token. A delta is applied before the pass, outside the measured time, and
 * each token is checked once in the pass. So every check is the first of its token after a change, and none includes
 * the delta.
 */
export async function recheck(feed: Feed, setting: GateSetting, tokens: readonly Buffer[]): Promise<Contestant> {
  let gate = await openGate(setting)
  let next = feed.deltas.length
  return {
    tokens,
    async ready() {
      if (next === feed.deltas.length) {
        gate.close()
        gate = await openGate(setting)
        await checkAll(gate, freshly(tokens))
        next = 0
      }
      const delta = feed.deltas[next]
      if (delta !== undefined && !gate.applyFeed(delta).changed) throw new Error('a delta did not change anything')
      next += 1
    },
    pass: (strings: readonly string[]) => checkAllSync(gate, strings),
  }
}
