// Memory of ten million revoked ids: the resident set of a new process that loads them from disk, minus that of a
// process that loads a single id.

import { makeFeed, type Order } from './feed.ts'
import { program } from './program.ts'
import { line, median, OURS } from './race.ts'
import type { Bench } from './run.ts'
import type { Resident } from './child/memory.ts'

/** Each bucket has 62,500 ids, 99 % of its capacity of 63,000. */
const FEED = { ids: 10_000_000, buckets: 160 }
/** Number of measured processes: their other memory differs by some megabytes. */
const ROUNDS = 5

export const memory: Bench = {
  names: ['memory', 'memory.peak', 'memory.replacing'],
  async *run(wanted) {
    const [with10M, without] = [await measure(FEED), await measure({ ids: 1 })]
    const figures = { memory: with10M.held, 'memory.peak': with10M.peak, 'memory.replacing': with10M.replacing }
    for (const [name, bytes] of Object.entries(figures)) {
      if (wanted(name)) yield line(name, 'node', 'MB', { [OURS]: (bytes - without.held) / 1e6 })
    }
  },
}

/** Loads a feed and then another with one more id and new hash keys, so that every section differs. */
async function measure(order: Order): Promise<Resident> {
  const feed = await makeFeed(order)
  const next = await makeFeed({ ...order, ids: order.ids + 1 })
  try {
    const folders = { folder: feed.folder, next: next.folder, tokenIds: order.ids }
    const measured: Resident[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      measured.push(await program<Resident>('memory.ts', folders, ['--expose-gc']))
    }
    const medianOf = (figure: keyof Resident) => median(measured.map((each) => each[figure]))
    return { held: medianOf('held'), peak: medianOf('peak'), replacing: medianOf('replacing') }
  } finally {
    await feed.close()
    await next.close()
  }
}
