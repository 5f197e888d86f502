import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_STATE_BYTES } from '../../../store/connector-state.ts'
import type { ConnectorStore } from '../../../store/store.ts'
import { openConnectorStore } from '../../../testing/stores.ts'
import { EventCursor } from './event-cursor.ts'
import { SeenEvents } from './seen-events.ts'

const OF = { realm: 'acme', name: 'keycloak user_events' }

const store = (): Promise<ConnectorStore> => openConnectorStore('keycloak')

async function reopened(kept: ConnectorStore): Promise<SeenEvents> {
  const seen = new SeenEvents({ ...OF, store: kept })
  await seen.load()
  return seen
}

test('remembers ids across a restart until their time has passed', async () => {
  const kept = await store()
  const seen = await reopened(kept)
  await seen.add(
    Array.from({ length: 2_500 }, (_, index) => ({ id: `a${index}`, time: 1_000 })),
    0,
  )
  await seen.add([{ id: 'b', time: 5_000 }], 0)
  const again = await reopened(kept)
  assert.ok(again.has('a0') && again.has('a2499') && again.has('b') && !again.has('c'))
  await again.add([{ id: 'c', time: 6_000 }], 2_000)
  assert.ok(!again.has('a0') && again.has('b') && again.has('c'))
})

test('does not write again what is stored', async () => {
  const kept = await store()
  const seen = await reopened(kept)
  for (let batch = 0; batch < 5; batch += 1)
    await seen.add(
      Array.from({ length: 1_000 }, (_, index) => ({ id: `${batch}-${index}`, time: 1_000 })),
      0,
    )
  const versions = await Promise.all(
    [1, 2, 3].map(async (slot) => (await kept.readState('acme', `keycloak user_events ${slot}`))?.version),
  )
  assert.deepEqual(versions, [2, 2, 1])
})

test('the longest ids fit a state, and beyond the limit the oldest are forgotten', async () => {
  const kept = await store()
  const seen = await reopened(kept)
  for (let batch = 0; batch < 130; batch += 1) {
    await seen.add(
      Array.from({ length: 1_000 }, (_, index) => ({ id: `${batch}-${index}`.padEnd(64, '"'), time: 1_000 })),
      0,
    )
  }
  const again = await reopened(kept)
  for (const each of [seen, again])
    assert.deepEqual(
      ['0-0', '129-999'].map((id) => each.has(id.padEnd(64, '"'))),
      [false, true],
    )
  const stored = await kept.readState('acme', 'keycloak user_events 1')
  assert.ok((stored?.value.byteLength ?? Infinity) < MAX_STATE_BYTES)
})

test('a state of an unknown form counts as missing', async () => {
  for (const text of ['', 'null', '[]', '{"serial":"1"}', '{"serial":1,"latest":2,"ids":{}}', '\u0000']) {
    const kept = await store()
    const bytes = new TextEncoder().encode(text)
    await kept.writeState('acme', 'keycloak user_events', bytes, 0)
    await kept.writeState('acme', 'keycloak user_events seen 0', bytes, 0)
    const cursor = new EventCursor({ ...OF, store: kept })
    assert.equal(await cursor.load(), undefined)
    await cursor.advance({ startMs: 1, newestMs: 3, readUntilMs: 2 }, [{ id: 'a', time: 3 }], 0)
    const again = new EventCursor({ ...OF, store: kept })
    assert.deepEqual(await again.load(), { startMs: 1, newestMs: 3, readUntilMs: 2 })
    assert.ok(again.hasSeen('a'))
  }
})

test('detects a second writer, and the next write uses its version', async () => {
  const kept = await store()
  const [one, two] = [await reopened(kept), await reopened(kept)]
  await one.add([{ id: 'a', time: 1 }], 0)
  await assert.rejects(two.add([{ id: 'b', time: 1 }], 0), { code: 'fault' })
  await two.add([], 0)
  assert.ok(two.has('b'))
})

test('writes the progress seldom while nothing happens', async () => {
  const kept = await store()
  const cursor = new EventCursor({ ...OF, store: kept })
  await cursor.load()
  for (let ms = 0; ms < 90_000; ms += 1_000) await cursor.advance({ startMs: 1, readUntilMs: ms }, [], 0)
  assert.equal((await kept.readState('acme', OF.name))?.version, 3)
})
