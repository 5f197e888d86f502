import type { WrittenFile } from './files.ts'
import type { Applied } from './set-up.ts'
import type { Administration, Plan } from './template.ts'

/** Everything that one run of `init` did, or would do. */
export interface InitReport {
  /** `undefined`: no administrator signed in. */
  readonly applied: Applied | undefined
  readonly administration: Administration | undefined
  readonly files: readonly WrittenFile[]
  readonly notes: readonly string[]
}

/** Returns the plan as a string, for consent. */
export function planText({ changes, notes }: Plan, administration: Administration): string {
  const lines = [
    ...changes.map((change) => `  ${administration.sentenceOf(change)}`),
    ...notes.map((note) => `  note: ${note}`),
  ]
  return `${changes.length === 1 ? '1 change' : `${changes.length} changes`}:\n${lines.join('\n')}\n`
}

export function asText({ applied, administration, files, notes }: InitReport): string {
  const lines = files.map(
    ({ path, outcome, note }) => `  ${outcome.padEnd(8)}${path}${note === undefined ? '' : `: ${note}`}\n`,
  )
  const written = lines.length === 0 ? '' : `Files:\n${lines.join('')}`
  return `${realmText(applied, administration)}${notes.map((note) => `note: ${note}\n`).join('')}${written}`
}

export function asJson({ applied, administration, files, notes }: InitReport): string {
  const changes =
    applied?.plan.changes.map((change) => ({ ...change, sentence: administration?.sentenceOf(change) })) ?? []
  const report = {
    realm: applied?.outcome ?? 'not_signed_in',
    changes,
    undoFile: applied?.undoFile,
    notes: [...(applied?.plan.notes ?? []), ...notes],
    files,
  }
  return `${JSON.stringify(report, null, 2)}\n`
}

function realmText(applied: Applied | undefined, administration: Administration | undefined): string {
  if (applied === undefined || administration === undefined)
    return 'The realm was not read: no administrator password was given.\n'
  const notes = applied.plan.notes.map((note) => `  note: ${note}\n`).join('')
  switch (applied.outcome) {
    case 'nothing_to_do':
      return `There is nothing to change in the realm.\n${notes}`
    case 'declined':
      return `Nothing was changed. The plan: ${planText(applied.plan, administration)}`
    case 'applied':
      return `Applied ${planText(applied.plan, administration)}${applied.undoFile === undefined ? '' : `To undo: portcullis init --undo ${applied.undoFile}\n`}`
  }
}
