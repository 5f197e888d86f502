// Probes the package in every build tool and runtime: `cargo xtask matrix`.

import { parseArgs } from 'node:util'
import { entries, selected, type Entry } from './environments.ts'
import { table } from './table.ts'
import { Walk, type Result } from './walk.ts'

const USAGE = `known options here:
  --short           only the environments of the suite matrix/short
  --only NAME       the environments of a tool or with this prefix; repeatable
  --list            lists them`

interface Options {
  tier: 'short' | 'all'
  only: readonly string[]
  list: 'printed' | 'probed'
}

async function main(): Promise<boolean> {
  const { tier, only, list } = read(process.argv.slice(2))
  const chosen = selected(await entries(), only).filter(
    ({ environment }) => tier === 'all' || environment.tier === 'short',
  )
  if (list === 'printed') {
    for (const { environment } of chosen)
      console.log(`${environment.tier.padEnd(6)}${environment.name}: ${environment.configuration}`)
    return true
  }
  const walk = await Walk.open()
  try {
    const results: Result[] = []
    for (const entry of chosen) results.push(await tried(walk, entry))
    console.log(`\n${table(results)}`)
    return results.every(({ outcome }) => outcome !== 'failed')
  } finally {
    await walk.close()
  }
}

async function tried(walk: Walk, entry: Entry): Promise<Result> {
  const result = await walk.environment(entry)
  const { outcome, reason, seconds } = result
  console.log(
    `${entry.environment.name}: ${outcome}, ${seconds.toFixed(1)} s${reason === undefined ? '' : `\n  ${reason.replaceAll('\n', '\n  ')}`}`,
  )
  return result
}

function read(parameters: string[]): Options {
  try {
    const { values } = parseArgs({
      args: parameters,
      options: {
        short: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true, default: [] },
        list: { type: 'boolean', default: false },
      },
    })
    return { tier: values.short ? 'short' : 'all', only: values.only, list: values.list ? 'printed' : 'probed' }
  } catch {
    throw new Error(USAGE)
  }
}

main().then(
  (isGreen) => process.exit(isGreen ? 0 : 1),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  },
)
