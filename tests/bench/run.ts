// Runs the benchmarks: `cargo xtask bench [NAME] [--json]`. NAME selects those whose dotted name begins with it.

import { cold } from './cold.ts'
import { enforcement } from './enforcement.ts'
import { instead } from './instead.ts'
import { invented } from './invented.ts'
import { memory } from './memory.ts'
import { native } from './native.ts'
import { origin } from './origin.ts'
import { receiver } from './receiver.ts'
import { refused } from './refused.ts'
import { requests } from './requests.ts'
import { rust } from './rust.ts'
import { size } from './size.ts'
import { growth, state } from './state.ts'
import { warm } from './warm.ts'

/** One measured figure. */
export interface Line {
  bench: string
  runtime: 'node' | 'workerd' | 'native'
  value: number
  unit: string
  /** The peers' figures from the same run, by npm name. */
  peers: Record<string, number>
}

/** A group of figures that are measured together. */
export interface Bench {
  /** The dotted names of the figures that it yields. */
  names: string[]
  run: (wanted: (name: string) => boolean) => AsyncIterable<Line>
}

const BENCHES: Bench[] = [
  warm,
  cold,
  rust,
  state,
  refused,
  invented,
  memory,
  growth,
  size,
  requests,
  origin,
  receiver,
  enforcement,
  instead,
  native,
]

async function main(): Promise<void> {
  const json = process.argv.includes('--json')
  const name = process.argv.slice(2).find((argument) => !argument.startsWith('--'))
  const wanted = (candidate: string) => name === undefined || candidate === name || candidate.startsWith(`${name}.`)
  const chosen = BENCHES.filter((bench) => bench.names.some(wanted))
  if (chosen.length === 0) {
    const names = BENCHES.flatMap((bench) => bench.names).join(', ')
    throw new Error(`unknown benchmark; use one of: ${names}`)
  }
  for (const bench of chosen) {
    try {
      for await (const line of bench.run(wanted)) console.log(json ? JSON.stringify(line) : sentence(line))
    } catch (error) {
      // The other figures remain valid.
      console.error(
        `${bench.names[0]} and the figures measured with it: ${error instanceof Error ? error.message : String(error)}`,
      )
      process.exitCode = 1
    }
  }
}

function sentence({ bench, runtime, value, unit, peers }: Line): string {
  const others = Object.entries(peers).map(([peer, figure]) => `${peer} ${figure.toPrecision(3)}`)
  return `${bench} (${runtime}): ${value.toPrecision(4)} ${unit}${others.length > 0 ? `; ${others.join(', ')}` : ''}`
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  },
)
