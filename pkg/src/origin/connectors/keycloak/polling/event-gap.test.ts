import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeReader, openScene } from '../testing/scene.ts'
import { findGap, type GapEvidence } from './event-gap.ts'

const HOUR = 3_600_000
/**
 * Ten hours after the last read, at the time of the last event; events are kept for two days, and tokens live for a
 * day.
 */
const EVIDENCE: GapEvidence = {
  readUntilMs: 90 * HOUR,
  newestMs: 89 * HOUR,
  oldestMs: 80 * HOUR,
  retentionMs: 48 * HOUR,
  lifetimeMs: 24 * HOUR,
  nowMs: 100 * HOUR,
}

const CASES: readonly (readonly [
  what: string,
  changed: Partial<GapEvidence>,
  gap: readonly [number, number] | undefined,
])[] = [
  ['events from before the last read are still there', {}, undefined],
  ['nothing happened, and nothing was kept from before', { newestMs: undefined, oldestMs: 95 * HOUR }, undefined],
  ['nothing happened at all', { newestMs: undefined, oldestMs: undefined }, undefined],
  ['events are kept for less than the time without a read', { oldestMs: 95 * HOUR, retentionMs: 6 * HOUR }, [90, 95]],
  ['likewise, and no event is left', { oldestMs: undefined, retentionMs: 6 * HOUR }, [90, 100]],
  ['events were deleted', { oldestMs: 95 * HOUR }, [90, 95]],
  ['events were deleted, and are kept permanently', { oldestMs: 95 * HOUR, retentionMs: undefined }, [90, 95]],
  ['only the last event read has expired', { newestMs: 40 * HOUR, oldestMs: 95 * HOUR }, undefined],
  [
    'all tokens of the time without events have expired',
    { readUntilMs: 10 * HOUR, newestMs: 9 * HOUR, oldestMs: 60 * HOUR },
    undefined,
  ],
  [
    'only its older part exceeds the lifetime of tokens',
    { readUntilMs: 10 * HOUR, newestMs: 9 * HOUR, oldestMs: 95 * HOUR, retentionMs: 6 * HOUR },
    [76, 95],
  ],
]

for (const [what, changed, gap] of CASES) {
  test(`${gap === undefined ? 'no gap' : 'a gap'}: ${what}`, () => {
    assert.deepEqual(findGap({ ...EVIDENCE, ...changed }), gap && { fromMs: gap[0] * HOUR, toMs: gap[1] * HOUR })
  })
}

test('reports a gap after a downtime beyond retention once, and continues reading at its end', async (context) => {
  let nowMs = Date.now()
  const scene = await openScene(context, {}, () => nowMs)
  const event = (time: number): { id: string; time: number; type: string } => ({
    id: crypto.randomUUID(),
    time,
    type: 'LOGOUT',
  })
  const options = { nowMs: () => nowMs, retentionSeconds: async () => 600 }
  scene.fake.userEvents = [event(nowMs)]
  const before = makeReader(scene, options)
  await before.poll()
  nowMs += 1_200_000
  scene.fake.aheadSeconds = 1_200
  scene.fake.userEvents = [event(nowMs - 500_000), event(nowMs)]
  for (const expected of [1, 0]) {
    const reader = makeReader(scene, options)
    await reader.poll()
    assert.equal(reader.gaps.length, expected)
    if (expected === 1)
      assert.deepEqual([reader.gaps[0]?.toMs, reader.applied.length], [scene.fake.userEvents[0]?.time, 2])
    nowMs += 61_000
    scene.fake.aheadSeconds += 61
  }
})

test('reports deleted events as one gap, however often the origin is restarted', async (context) => {
  let nowMs = Date.now()
  const scene = await openScene(context, {}, () => nowMs)
  scene.fake.userEvents = [{ id: 'e1', time: nowMs, type: 'LOGOUT' }]
  await makeReader(scene, { nowMs: () => nowMs }).poll()
  scene.fake.userEvents = []
  for (const expected of [1, 0, 0]) {
    nowMs += 100_000
    scene.fake.aheadSeconds += 100
    const reader = makeReader(scene, { nowMs: () => nowMs })
    await reader.poll()
    assert.equal(reader.gaps.length, expected)
  }
})

test('reports a gap again if its consequence could not be recorded', async (context) => {
  let nowMs = Date.now()
  const scene = await openScene(context, {}, () => nowMs)
  const retentionSeconds = async (): Promise<number> => 60
  scene.fake.userEvents = [{ id: 'e1', time: nowMs, type: 'LOGOUT' }]
  await makeReader(scene, { nowMs: () => nowMs }).poll()
  nowMs += 300_000
  scene.fake.aheadSeconds = 300
  scene.fake.userEvents = []
  const onGap = (): Promise<void> => Promise.reject(new Error('full'))
  const failing = makeReader(scene, { nowMs: () => nowMs, retentionSeconds, onGap })
  await assert.rejects(failing.poll(), /full/)
  const next = makeReader(scene, { nowMs: () => nowMs, retentionSeconds })
  await next.poll()
  assert.equal(next.gaps.length, 1)
})
