// Compares two builds in one process tree: `cargo xtask bench [NAME…] --against REF [--bar PERCENT] [--json]`. xtask
// replaces `--against REF` by `--before FOLDER`, a checkout of REF with its package built.

import { parseArgs } from 'node:util'
import { ROOT } from '../feed.ts'
import type { Line } from '../run.ts'
import { barOf, GROUPS, type Group } from './groups.ts'
import { judge, type BarVerdict } from './statistics.ts'
import type { Outcome, Outcomes } from './turns.ts'

/** One compared figure, as `--json` prints it. */
interface Comparison {
  bench: string
  runtime: Line['runtime']
  unit: string
  /** Medians. */
  before: number
  after: number
  /** Above 1: `after` is slower. */
  ratio: number
  interval: [number, number]
  /** The build before against itself, in the same rounds, in separate processes. */
  control: { ratio: number; interval: [number, number]; spread: number }
  rounds: number
  bar: number
  verdict: BarVerdict
}

const { values, positionals } = parseArgs({
  options: { before: { type: 'string' }, bar: { type: 'string' }, json: { type: 'boolean', default: false } },
  allowPositionals: true,
})

async function main(): Promise<void> {
  const { before } = values
  if (before === undefined) throw new Error('usage: run.ts [NAME…] --before FOLDER [--bar PERCENT] [--json]')
  const bar = values.bar === undefined ? undefined : Number(values.bar) / 100
  if (bar !== undefined && !(bar >= 0)) throw new Error('--bar takes a percentage, such as 3')
  const wanted = (candidate: string): boolean =>
    positionals.length === 0 || positionals.some((name) => candidate === name || candidate.startsWith(`${name}.`))
  const chosen = GROUPS.map((group): [Group, string[]] => [group, group.names.filter(wanted)])
  if (chosen.every(([, names]) => names.length === 0)) {
    const names = [...new Set(GROUPS.flatMap((group) => group.names))].join(', ')
    throw new Error(`no such figure to compare; use one of: ${names}`)
  }
  const builds = { before: { label: 'before', root: before }, after: { label: 'after', root: ROOT } } as const
  for (const [group, names] of chosen) {
    if (names.length === 0) continue
    const outcomes = await group.run(builds, names).catch((error: unknown) => everyOne(names, error))
    for (const [bench, outcome] of outcomes) {
      if (outcome instanceof Error) {
        // The other figures remain valid.
        console.error(`skipped: ${bench} (${group.runtime}): ${outcome.message}`)
        continue
      }
      const comparison = comparisonOf(bench, group, outcome, barOf(group, bar))
      console.log(values.json ? JSON.stringify(comparison) : sentence(comparison))
      // Without a bar on the command line, a slower build is reported but is not a failure.
      if (bar !== undefined && comparison.verdict === 'slower') process.exitCode = 1
    }
  }
}

function everyOne(names: readonly string[], error: unknown): Outcomes {
  const reason = error instanceof Error ? error : new Error(String(error))
  return new Map(names.map((name) => [name, reason]))
}

function comparisonOf(bench: string, { runtime, unit }: Group, outcome: Outcome, bar: number): Comparison {
  const { before, after, paired, control, spread, rounds } = outcome
  const verdict = judge(paired.ratio, bar, spread)
  return { bench, runtime, unit, before, after, ...paired, control: { ...control, spread }, rounds, bar, verdict }
}

function sentence(comparison: Comparison): string {
  const { bench, runtime, unit, before, after, ratio, interval, control, rounds, bar, verdict } = comparison
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
  const within = ([low, high]: [number, number]): string => `[${low.toFixed(3)}, ${high.toFixed(3)}]`
  return [
    `${bench} (${runtime}): before ${before.toPrecision(4)}, after ${after.toPrecision(4)} ${unit}`,
    `ratio ${ratio.toFixed(3)} ${within(interval)}`,
    `A/A ${control.ratio.toFixed(3)} ${within(control.interval)}, spread ${percent(control.spread)}`,
    `${rounds} rounds; ${verdict} (bar ${percent(bar)})`,
  ].join('; ')
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  },
)
