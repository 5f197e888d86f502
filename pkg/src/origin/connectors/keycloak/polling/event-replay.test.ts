import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openConnectorStore } from '../../../testing/stores.ts'
import type { FakeEvent } from '../testing/fake-keycloak.ts'
import { makeReader, openScene } from '../testing/scene.ts'

/** Events as Keycloak 26.7.3 stores them, one of each shape that ends something. */
const SHAPES: readonly Record<string, unknown>[] = [
  { type: 'LOGOUT', clientId: 'account', userId: 'u1', sessionId: 's1' },
  {
    type: 'LOGOUT',
    clientId: 'web',
    userId: 'u1',
    sessionId: 's2',
    details: { redirect_uri: 'http://127.0.0.1/cb', logout_triggered_by_required_action: 'UPDATE_PASSWORD' },
  },
  {
    type: 'REVOKE_GRANT',
    clientId: 'web',
    userId: 'u1',
    details: { token_id: 'onrtac:db836158-1955-743d-181d-0b1f4c6f0efa', client_auth_method: 'client-secret' },
  },
  {
    type: 'REVOKE_GRANT',
    clientId: 'web',
    userId: 'u1',
    sessionId: 's3',
    details: { refresh_token_type: 'Refresh', revoked_client: 'web', refresh_token_id: '80a0e15c' },
  },
]

const COUNT = 20_000

/** An event, and the time at which its transaction ends. */
interface Late {
  event: FakeEvent
  visibleAtMs: number
}

/** Generates a minute and a half of events, every seventh up to four minutes late, many in the same millisecond. */
function record(beginMs: number): readonly Late[] {
  return Array.from({ length: COUNT }, (_, index) => {
    const time = beginMs + Math.floor(index / 3) * 13
    const lateMs = index % 7 === 0 ? (index * 7_919) % 240_000 : index % 5
    return {
      event: { ...SHAPES[index % SHAPES.length], id: crypto.randomUUID(), time, realmId: 'r', ipAddress: '127.0.0.1' },
      visibleAtMs: time + lateMs,
    }
  })
}

test(`loses none of ${COUNT} events with late commits, and applies none twice`, async (context) => {
  const scene = await openScene(context)
  let nowMs = Date.now() - 900_000
  const late = record(nowMs).toSorted((a, b) => a.visibleAtMs - b.visibleAtMs)
  const reader = makeReader(scene, { nowMs: () => nowMs, rereadSeconds: 300 })
  let shown = 0
  while (shown < COUNT) {
    nowMs += 10_000
    for (; shown < COUNT && (late[shown]?.visibleAtMs ?? Infinity) <= nowMs; shown += 1)
      scene.fake.userEvents.push(late[shown]?.event ?? assert.fail())
    await reader.poll()
  }
  // The full reread is due after as many milliseconds as the span holds events.
  nowMs += 20_000
  await reader.poll()
  assert.equal(reader.applied.length, COUNT)
  assert.equal(new Set(reader.ids()).size, COUNT)
})

test('the measured lag decreases while a backlog is read', async (context) => {
  const scene = await openScene(context)
  const now = Date.now()
  scene.fake.userEvents = Array.from({ length: COUNT }, (_, index) => ({
    ...SHAPES[0],
    id: `${index}`,
    time: now - 3_000_000 + index * 140,
  }))
  const reader = makeReader(scene)
  await reader.poll()
  assert.equal(reader.applied.length, COUNT)
  const [, ...told] = reader.readUntil.map((ms) => now - ms)
  assert.ok(told.length >= 40, `${told.length}`)
  assert.deepEqual(
    told,
    told.toSorted((a, b) => b - a),
  )
})

test('a poller killed during a poll continues from there without losing or reapplying events', async (context) => {
  const scene = await openScene(context)
  const now = Date.now()
  scene.fake.userEvents = Array.from({ length: 3_000 }, (_, index) => ({
    ...SHAPES[0],
    id: crypto.randomUUID(),
    time: now - 30_000 + Math.floor(index / 10) * 100,
  }))
  const applied: unknown[] = []
  let pages = 0
  const killed = makeReader(scene, {
    apply: async (events) => {
      pages += 1
      if (pages === 4) throw new Error('killed')
      applied.push(...events)
    },
  })
  await assert.rejects(killed.poll(), /killed/)
  const next = makeReader(scene)
  await next.poll()
  const ids = [...applied.map((event) => (event as FakeEvent).id), ...next.ids()]
  assert.equal(ids.length, 3_000, 'each once, because each page was noted after it was applied')
  assert.equal(new Set(ids).size, 3_000)
})

test('the next poll notes events that were applied before the store failed', async (context) => {
  const scene = await openScene(context)
  const store = await openConnectorStore('keycloak')
  let failing = true
  scene.store = new Proxy(store, {
    get: (target, member) =>
      member === 'writeState' && failing
        ? () => Promise.reject(new Error('full'))
        : (Reflect.get(target, member) as () => unknown).bind(target),
  })
  scene.fake.userEvents = [{ ...SHAPES[0], id: 'e1', time: Date.now() }]
  const reader = makeReader(scene)
  await assert.rejects(reader.poll(), /full/)
  failing = false
  await reader.poll()
  const restarted = makeReader(scene)
  await restarted.poll()
  assert.deepEqual([reader.applied.length, restarted.applied.length], [1, 0])
})
