import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Administration, Change, Plan } from './template.ts'

/** Asks a person for consent to a plan. Resolves to false if nothing may be changed. */
export type Consent = (plan: Plan) => Promise<boolean>

/** A plan that was applied as a whole. */
export interface Applied {
  readonly plan: Plan
  /** 'nothing_to_do' and 'declined': nothing was changed. */
  readonly outcome: 'applied' | 'nothing_to_do' | 'declined'
  /** The file that undoes it. */
  readonly undoFile?: string
}

/** Makes a plan from a state that was read. */
export type Planner = (state: unknown) => Plan

/** The file in which changes are stored for undoing them; absent if they are an undo. */
export interface UndoFile {
  readonly path: string
  readonly about: Readonly<Record<string, string | number>>
}

/**
 * Reads, plans, asks, reads again, and applies exactly the plan. Rejects if the state has changed between the two
 * reads, and if a change fails or does not show afterwards; the message then says how many were applied.
 */
export async function setUp(
  administration: Administration,
  planner: Planner,
  consent: Consent,
  undo?: UndoFile,
): Promise<Applied> {
  const state = await administration.read()
  const plan = planner(state)
  if (plan.changes.length === 0) return { plan, outcome: 'nothing_to_do' }
  if (!(await consent(plan))) return { plan, outcome: 'declined' }
  if (digestOf(await administration.read()) !== digestOf(state))
    throw new Error('the realm has changed meanwhile: nothing was applied; run it again to see a new plan')
  if (undo !== undefined) writeUndoFile(undo, plan.changes)
  await applyAll(administration, plan.changes, undo)
  const after = await administration.read()
  const missing = plan.changes.filter((change) => !administration.isDone(after, change))
  if (missing.length > 0)
    throw new Error(
      [
        'Keycloak accepted these changes but does not show them:',
        ...missing.map((change) => administration.sentenceOf(change)),
      ].join('\n  '),
    )
  return { plan, outcome: 'applied', ...(undo === undefined ? {} : { undoFile: undo.path }) }
}

async function applyAll(
  administration: Administration,
  changes: readonly Change[],
  undo: UndoFile | undefined,
): Promise<void> {
  for (const [index, change] of changes.entries()) {
    try {
      await administration.apply(change)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : 'for an unknown reason'
      const cure =
        undo === undefined
          ? 'run it again for the remaining ones'
          : `undo them with --undo ${undo.path}, or run it again for the remaining ones`
      throw new Error(
        `${index} of ${changes.length} changes were applied; '${administration.sentenceOf(change)}' failed: ${reason}; ${cure}`,
        { cause },
      )
    }
  }
}

/**
 * Writes the undo file, readable by its owner only because it names addresses inside the network. It contains no
 * secret.
 */
function writeUndoFile({ path, about }: UndoFile, changes: readonly Change[]): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify({ ...about, changes }, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
}

function digestOf(state: unknown): string {
  return createHash('sha256').update(JSON.stringify(state)).digest('hex')
}
