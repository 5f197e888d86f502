// Today's origin adds newer kinds of events to a store of a120da2. They survive a restart and a backup, and a120da2
// refuses the store with an error that names the realm.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Gate } from 'portcullis/edge'
import type { Origin } from 'portcullis/origin'
import { LATER, PLAIN } from './fixtures/a120da2/every-kind.ts'
import { openStage, TODAY, verdictOf, type Stage } from './fixtures/a120da2/stage.ts'
import { outcomesOf, signWatched, STEPS, type Step, type Watched } from './fixtures/a120da2/steps.ts'

/** All steps but the one that changes the issuer's keys, which are fixed here. */
const STEPS_OF_STORE = STEPS.filter(({ what }) => what !== 'keys')

let stage: Stage

before(async () => {
  stage = await openStage(LATER.at)
})

after(() => stage.close())

test('opens an old store and adds every kind of event; all are in force after a restart and in a restored backup', async (t) => {
  const path = await stage.database('kinds.db')
  const tokens = await signWatched(stage.keys)
  const expected = outcomesOf('today', STEPS_OF_STORE).at(-1) ?? {}
  const first = await stage.startOrigin(t, TODAY, path)
  for (const step of STEPS_OF_STORE) await take(first.origin, step, tokens)
  await assertVerdicts(stage.openGate(t, TODAY, first.url), tokens, expected)
  await first.close()

  const again = await stage.startOrigin(t, TODAY, path)
  await assertVerdicts(stage.openGate(t, TODAY, again.url), tokens, expected)
  await assertVerdicts(stage.openGate(t, stage.old, again.url), tokens, outcomesOf('old', STEPS_OF_STORE).at(-1) ?? {})
  await again.close()

  const [backup, restored] = [join(stage.folder, 'kinds.backup'), join(stage.folder, 'restored.db')]
  const store = TODAY.sqlite.sqliteStore({ path })
  await store.open()
  await store.backup(backup)
  await store.close()
  await TODAY.sqlite.restoreSqlite({ backup, path: restored })
  const last = await stage.startOrigin(t, TODAY, restored)
  await assertVerdicts(stage.openGate(t, TODAY, last.url), tokens, expected)
})

const NEW_KINDS = STEPS.filter(({ what }) => ['grant', 'key not-before'].includes(what))

for (const kind of NEW_KINDS)
  test(`a120da2 refuses a store with a ${kind.what}, and leaves it unchanged`, async (t) => {
    const path = await stage.database(`refused ${kind.what}.db`)
    const tokens = await signWatched(stage.keys)
    const ours = await stage.startOrigin(t, TODAY, path)
    const { sequence } = plain(ours.origin)
    await take(ours.origin, kind, tokens)
    const recorded = plain(ours.origin)
    assert.ok(recorded.sequence > sequence)
    await ours.close()

    await assert.rejects(stage.startOrigin(t, stage.old, path), { code: 'store_corrupt', message: /^realm plain: / })

    const again = await stage.startOrigin(t, TODAY, path)
    assert.deepEqual([plain(again.origin).sequence, plain(again.origin).chain], [recorded.sequence, recorded.chain])
  })

function plain(origin: Origin): { sequence: number; chain: string } {
  return origin.status().find(({ realm }) => realm === PLAIN.name) ?? assert.fail('no realm')
}

async function take(origin: Origin, step: Step, tokens: Watched): Promise<void> {
  await step.record(origin, { keys: stage.keys, tokens, addKey: () => undefined })
}

async function assertVerdicts(gate: Gate, tokens: Watched, expected: Record<string, string>): Promise<void> {
  const found: Record<string, string> = {}
  for (const name of Object.keys(expected)) found[name] = await verdictOf(gate, tokens[name] ?? '')
  assert.deepEqual(found, expected)
}
