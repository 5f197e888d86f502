// The table of results: a row for each environment, with its whole configuration.

import { isRight, STEPS } from './probe.ts'
import type { Result } from './walk.ts'

const REASON_LINES = 6

/** Returns Markdown, followed by the reasons for rows that are not green. */
export function table(results: readonly Result[]): string {
  const lines = [
    `| environment | version | configuration | ${STEPS.join(' | ')} | outcome | s |`,
    `|---|---|---|${STEPS.map(() => '---|').join('')}---|---|`,
    ...results.map(row),
  ]
  const unmet = results.filter(({ reason }) => reason !== undefined)
  const reasons = unmet.map(
    ({ entry, outcome, reason }) => `${entry.environment.name}: ${outcome}, because ${shortened(reason)}`,
  )
  return [...lines, ...(reasons.length === 0 ? [] : ['', ...reasons]), '', summary(results)].join('\n')
}

function row({ entry: { environment }, version, answers, outcome, seconds }: Result): string {
  const cells = STEPS.map((step) => {
    const answer = answers.find((each) => each.step === step)
    return answer === undefined
      ? '–'
      : isRight(answer)
        ? String(answer.status)
        : `${answer.status}, not ${answer.expected}`
  })
  const node = environment.node === undefined ? '' : `, Node ${environment.node}`
  const configuration = environment.configuration.replaceAll('\n', ' ').replaceAll('|', '\\|')
  const shown = outcome === 'failed' ? 'FAILED' : outcome
  return `| ${[environment.name, `${version}${node}`, `\`${configuration}\``, ...cells, shown, seconds.toFixed(1)].join(' | ')} |`
}

/** Removes the stack traces that tools print. */
function shortened(reason = ''): string {
  const lines = reason.split('\n').filter((line) => line.trim() !== '' && !/^\s+at /.test(line))
  return lines.slice(0, REASON_LINES).join('\n  ')
}

function summary(results: readonly Result[]): string {
  const count = (outcome: Result['outcome']) => results.filter((result) => result.outcome === outcome).length
  const counts = (['passed', 'failed', 'not met', 'skipped'] as const).map((outcome) => `${count(outcome)} ${outcome}`)
  return `${results.length} environments: ${counts.join(', ')}; Node ${process.version}`
}
