// A plan is applied completely and as shown, or not at all; the undo file is written first.

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, test } from 'node:test'
import { setUp } from './set-up.ts'
import type { Administration, Change } from './template.ts'

const folder = mkdtempSync(join(tmpdir(), 'portcullis-init-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** A realm of two settings. */
class Realm implements Administration {
  settings: Record<string, unknown> = { first: 0, second: 0 }
  applied: string[] = []
  /** The setting whose change fails. */
  failing: string | undefined
  undoFile = ''

  read(): Promise<unknown> {
    return Promise.resolve({ ...this.settings })
  }

  plan(state: unknown): { changes: Change[]; notes: string[] } {
    const open = Object.entries(state as Record<string, unknown>).filter(([, value]) => value !== 1)
    return { changes: open.map(([kind, before]) => ({ kind, before, after: 1 })), notes: [] }
  }

  undo(_state: unknown, done: readonly Change[]): { changes: Change[]; notes: string[] } {
    return { changes: done.map(({ kind, before, after: was }) => ({ kind, before: was, after: before })), notes: [] }
  }

  apply({ kind, after: value }: Change): Promise<void> {
    assert.ok(this.undoFile === '' || existsSync(this.undoFile))
    if (kind === this.failing) return Promise.reject(new Error('it is read-only'))
    this.applied.push(kind)
    this.settings[kind] = value
    return Promise.resolve()
  }

  isDone(state: unknown, { kind, after: value }: Change): boolean {
    return (state as Record<string, unknown>)[kind] === value
  }

  sentenceOf({ kind }: Change): string {
    return `set ${kind}`
  }

  accounts(): [] {
    return []
  }

  secretOf(): Promise<string> {
    return Promise.resolve('')
  }
}

let realm = new Realm()
let undo = { path: '', about: {} }
beforeEach((context) => {
  realm = new Realm()
  undo = { path: join(folder, `${context.name.replace(/\W/g, '-')}.json`), about: { form: 1 } }
  realm.undoFile = undo.path
})

const planner = (state: unknown) => realm.plan(state)
const yes = () => Promise.resolve(true)

test('applies the plan, after the undo file is written for its owner only', async () => {
  const { outcome, undoFile } = await setUp(realm, planner, yes, undo)
  assert.equal(outcome, 'applied')
  assert.deepEqual(realm.applied, ['first', 'second'])
  assert.deepEqual(JSON.parse(readFileSync(undoFile ?? '', 'utf8')), {
    form: 1,
    changes: [
      { kind: 'first', before: 0, after: 1 },
      { kind: 'second', before: 0, after: 1 },
    ],
  })
  assert.equal(statSync(undo.path).mode & 0o777, 0o600)
  assert.equal((await setUp(realm, planner, yes, undo)).outcome, 'nothing_to_do')
})

test('changes nothing without consent', async () => {
  const { outcome, plan } = await setUp(realm, planner, () => Promise.resolve(false), undo)
  assert.equal(outcome, 'declined')
  assert.equal(plan.changes.length, 2)
  assert.deepEqual(realm.applied, [])
  assert.ok(!existsSync(undo.path))
})

test('stops if the realm has changed since the question', async () => {
  const altering = (): Promise<boolean> => {
    realm.settings['second'] = 7
    return Promise.resolve(true)
  }
  await assert.rejects(setUp(realm, planner, altering, undo), /changed meanwhile: nothing was applied/)
  assert.deepEqual(realm.applied, [])
  assert.ok(!existsSync(undo.path))
})

test('reports how many changes were applied when one fails', async () => {
  realm.failing = 'second'
  await assert.rejects(
    setUp(realm, planner, yes, undo),
    /1 of 2 changes were applied; 'set second' failed: it is read-only; undo them with --undo /,
  )
})

test('lists the changes that do not show afterwards', async () => {
  realm.isDone = () => false
  await assert.rejects(setUp(realm, planner, yes, undo), /does not show them:\n {2}set first\n {2}set second/)
})
