// What ten million revoked ids take in a process: a fresh one, with the feed on disk.

import { makeFeed } from './feed.ts'
import { program } from './program.ts'
import { line, OURS } from './race.ts'
import type { Bench } from './run.ts'
import type { Growth } from './child/memory.ts'

/** Each bucket has 62,500 ids: 98 % of the capacity of 63,000 that it is given. */
const FEED = { ids: 10_000_000, buckets: 160 }

export const memory: Bench = {
  names: ['memory', 'memory.peak'],
  async *run(wanted) {
    const feed = await makeFeed(FEED)
    try {
      const { held, peak } = await program<Growth>('memory.ts', { folder: feed.folder, tokenIds: FEED.ids }, ['--expose-gc'])
      if (wanted('memory')) yield line('memory', 'node', 'MB', { [OURS]: held / 1e6 })
      if (wanted('memory.peak')) yield line('memory.peak', 'node', 'MB', { [OURS]: peak / 1e6 })
    } finally {
      await feed.close()
    }
  },
}
