// Groups of figures that share processes and data.

import { ALGORITHMS } from '../cold.ts'
import { makeFeed, type Order } from '../feed.ts'
import type { Line } from '../run.ts'
import { DELTAS as UPDATES, MILLION } from '../state.ts'
import { makeKey, mint } from '../tokens.ts'
import { DELTAS } from '../warm.ts'
import type { Builds } from './build.ts'
import type { Work } from './contestant.ts'
import { count, COUNTED } from './counts.ts'
import { lookUpStation } from './look-up.ts'
import { FullDatabases, Mint, revocationStation, startStation } from './origin.ts'
import { nodeStation, workerdStation, type Material } from './stations.ts'
import { LIVING, PASSING, takeTurns, type Outcomes } from './turns.ts'

export interface Group {
  runtime: Line['runtime']
  unit: string
  /** The bar as a fraction. The command line overrides a bar for times. */
  bar: number
  names: string[]
  run(builds: Builds, names: string[]): Promise<Outcomes>
}

/** The greatest accepted increase in time. */
const TIME_BAR = 0.03
/** The greatest accepted increase in instructions, which are counted exactly. */
const COUNT_BAR = 0.01

const WORKS: Record<string, Work> = {
  warm_check: { kind: 'warm', check: 'checkSync' },
  'warm_check.async': { kind: 'warm', check: 'check' },
  warm_recheck: { kind: 'recheck' },
  ...Object.fromEntries(ALGORITHMS.map((name) => [`cold_check.${name}`, { kind: 'cold', check: 'check' }])),
  ...Object.fromEntries(ALGORITHMS.map((name) => [`cold_check_sync.${name}`, { kind: 'cold', check: 'checkSync' }])),
  first_verdict: { kind: 'first verdict' },
  apply_delta: { kind: 'delta' },
}

const checks = Object.keys(WORKS).filter((name) => /^(warm|cold)_/.test(name))
const TOKENS_FEED: Order = { ids: 100_000, epochs: 10_000, deltas: DELTAS }
const STATE_FEED: Order = { ...MILLION, ...UPDATES }

export const GROUPS: Group[] = [
  {
    ...{ runtime: 'node', unit: 'µs', bar: TIME_BAR, names: checks },
    run: (builds, names) => comparing(builds, names, TOKENS_FEED, nodeStation),
  },
  {
    ...{ runtime: 'workerd', unit: 'µs', bar: TIME_BAR },
    names: checks.filter((name) => !/^(warm_recheck|cold_check_sync)/.test(name)),
    run: (builds, names) => comparing(builds, names, TOKENS_FEED, workerdStation),
  },
  {
    ...{ runtime: 'node', unit: 'ms', bar: TIME_BAR, names: ['first_verdict', 'apply_delta'] },
    run: (builds, names) => comparing(builds, names, STATE_FEED, nodeStation),
  },
  {
    ...{ runtime: 'workerd', unit: 'ms', bar: TIME_BAR, names: ['first_verdict'] },
    run: (builds, names) => comparing(builds, names, STATE_FEED, workerdStation),
  },
  {
    ...{ runtime: 'node', unit: 'ns', bar: TIME_BAR, names: ['status'] },
    async run(builds, names) {
      const feed = await makeFeed(MILLION)
      try {
        return await takeTurns(builds, names, PASSING, 'lower', (build) => lookUpStation(build, feed))
      } finally {
        await feed.close()
      }
    },
  },
  {
    ...{ runtime: 'node', unit: 'per second', bar: TIME_BAR, names: ['origin_revocations'] },
    async run(builds, names) {
      const minted = new Mint()
      return takeTurns(builds, names, LIVING, 'higher', (build) => revocationStation(build, minted))
    },
  },
  {
    ...{ runtime: 'node', unit: 's', bar: TIME_BAR, names: ['origin_start'] },
    async run(builds, names) {
      const databases = new FullDatabases()
      try {
        return await takeTurns(builds, names, PASSING, 'lower', (build) => startStation(build, databases))
      } finally {
        await databases.close()
      }
    },
  },
  { ...{ runtime: 'native', unit: 'instructions', bar: COUNT_BAR, names: Object.keys(COUNTED) }, run: count },
]

/** Returns a group's bar; `given` is the bar for times from the command line. */
export function barOf({ runtime, bar }: Group, given: number | undefined): number {
  switch (runtime) {
    case 'node':
    case 'workerd':
      return given ?? bar
    case 'native':
      return bar
  }
}

type Open = (build: Builds['before'], materials: ReadonlyMap<string, Material>) => ReturnType<typeof nodeStation>

/** Compares builds; every contestant gets the same feed, keys and tokens. */
async function comparing(builds: Builds, names: string[], order: Order, open: Open): Promise<Outcomes> {
  const feed = await makeFeed(order)
  try {
    const materials = new Map<string, Material>()
    const minted = new Map<string, Pick<Material, 'key' | 'tokens'>>()
    for (const name of names) {
      const work = WORKS[name]
      if (work === undefined) throw new Error(`${name} is not a figure of a gate`)
      const algorithm = ALGORITHMS.find((algorithm) => name.endsWith(`.${algorithm}`)) ?? 'RS256'
      const signed = minted.get(algorithm) ?? (await mintFor(algorithm))
      minted.set(algorithm, signed)
      const tokens = work.kind === 'first verdict' ? signed.tokens.slice(0, 1) : signed.tokens
      materials.set(name, { work, feed, key: signed.key, tokens })
    }
    return await takeTurns(builds, names, LIVING, 'lower', (build) => open(build, materials))
  } finally {
    await feed.close()
  }
}

async function mintFor(algorithm: string): Promise<Pick<Material, 'key' | 'tokens'>> {
  const key = await makeKey(algorithm)
  return { key, tokens: await mint(key) }
}
