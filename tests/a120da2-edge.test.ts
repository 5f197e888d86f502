// Mixes edges and origins of a120da2 and of today, by pull, stream and push, with restarts before each step. An old
// edge accepts no token that an edge of today refuses, stays available, and refuses more only in the stated cases.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { LATER } from './fixtures/a120da2/every-kind.ts'
import { walk } from './fixtures/a120da2/fleet.ts'
import { openStage, type Stage } from './fixtures/a120da2/stage.ts'
import { outcomesOf, STEPS } from './fixtures/a120da2/steps.ts'

const TRANSPORTS = ['pull', 'stream', 'push'] as const

let stage: Stage

before(async () => {
  stage = await openStage(LATER.at)
})

after(() => stage.close())

test('the expected verdicts: an old edge accepts no token that an edge of today refuses', () => {
  const [today, old] = [outcomesOf('today', STEPS), outcomesOf('old', STEPS)]
  const overKilled = STEPS.map(({ what }, number) => {
    const verdicts = Object.entries(old[number] ?? {})
    for (const [name, verdict] of verdicts)
      assert.ok(verdict !== 'accepted' || today[number]?.[name] === 'accepted', `${what}: ${name}`)
    return verdicts.filter(([name, verdict]) => verdict !== 'accepted' && today[number]?.[name] === 'accepted').length
  })
  assert.equal(overKilled[0], 0)
  assert.ok(overKilled.some((count) => count > 0) && overKilled.at(-1) !== 0)
})

for (const transport of TRANSPORTS) {
  test(`an edge of a120da2 behind today's origin, by ${transport}`, async (t) => walk(t, stage, STEPS, { transport }))

  test(`an edge of today behind an origin of a120da2, by ${transport}`, async (t) => {
    const steps = STEPS.filter(({ newer }) => newer === undefined)
    await walk(t, stage, steps, { transport, origin: 'old', restarted: 'today' })
  })
}

test('an edge of a120da2 by push, while acknowledgements claim a minor version that it does not have', async (t) => {
  await walk(t, stage, STEPS, { transport: 'push' }, async (fleet, step) => {
    const restarted = Array.from({ length: step + 1 }, (_, number) => `restarted ${number}`)
    for (const edge of ['old', ...restarted])
      assert.equal(await fleet.acknowledgeAs(edge, step % 2 === 0 ? '1' : '99'), 204, edge)
    for (const minor of ['x', '-1', '1.5', '']) assert.equal(await fleet.acknowledgeAs('old', minor), 400, minor)
  })
})
