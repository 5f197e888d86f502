// The table of a run's figures: a row for each case, a column for each round.

import type { Round } from './stage.ts'
import type { Result } from './walk.ts'

/** Returns Markdown with the seconds from action to refusal; `–` where a round's sources cannot detect the action. */
export function table(results: readonly Result[], rounds: readonly Round[]): string {
  const lines = [`| # | action | ${rounds.join(' | ')} |`, `|---|---|${rounds.map(() => '---|').join('')}`]
  // A case may first occur in a later round.
  const sorted = [...results].sort((a, b) => a.row.number - b.row.number)
  for (const each of new Set(sorted.map((result) => result.case))) {
    const own = results.filter((result) => result.case === each)
    const { row } = own[0] as Result
    const cells = rounds.map((round) => cell(own.find((result) => result.round === round)))
    lines.push(`| ${row.number} | ${row.title}: ${each.title} | ${cells.join(' | ')} |`)
  }
  return lines.join('\n')
}

function cell(result: Result | undefined): string {
  if (result === undefined) return '–'
  switch (result.outcome) {
    case 'passed':
      return figures(result.seconds)
    case 'skipped':
      return 'skipped'
    case 'failed':
      return 'FAILED'
  }
}

/** Formats figures: `0.31 s`, or for several actions `p50 0.31 s, p99 0.52 s (n = 20)`. */
export function figures(seconds: readonly number[]): string {
  if (seconds.length === 0) return 'passed'
  const sorted = [...seconds].sort((a, b) => a - b)
  const at = (share: number) => `${(sorted[Math.ceil(share * sorted.length) - 1] ?? 0).toFixed(2)} s`
  return sorted.length === 1 ? at(1) : `p50 ${at(0.5)}, p99 ${at(0.99)} (n = ${sorted.length})`
}
