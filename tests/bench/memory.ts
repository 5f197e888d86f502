// What ten million revoked ids take in a process: the resident set of a fresh one that loads them from disk, beyond
// that of another that loads a single one.

import { makeFeed, type Order } from './feed.ts'
import { program } from './program.ts'
import { line, OURS } from './race.ts'
import type { Bench } from './run.ts'
import type { Resident } from './child/memory.ts'

/** Each bucket has 62,500 ids: 98 % of the capacity of 63,000 that it is given. */
const FEED = { ids: 10_000_000, buckets: 160 }

export const memory: Bench = {
  names: ['memory', 'memory.peak'],
  async *run(wanted) {
    const [{ held, peak }, without] = [await measure(FEED), await measure({ ids: 1 })]
    if (wanted('memory')) yield line('memory', 'node', 'MB', { [OURS]: (held - without.held) / 1e6 })
    if (wanted('memory.peak')) yield line('memory.peak', 'node', 'MB', { [OURS]: (peak - without.held) / 1e6 })
  },
}

async function measure(order: Order): Promise<Resident> {
  const feed = await makeFeed(order)
  try {
    return await program<Resident>('memory.ts', { folder: feed.folder, tokenIds: order.ids }, ['--expose-gc'])
  } finally {
    await feed.close()
  }
}
