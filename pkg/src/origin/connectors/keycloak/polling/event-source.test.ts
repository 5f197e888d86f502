import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FakeEvent } from '../testing/fake-keycloak.ts'
import { makeReader, openScene, type Reader, type Scene } from '../testing/scene.ts'

const MINUTE = 60_000

function logout(time: number, rest: Record<string, unknown> = {}): FakeEvent {
  return {
    id: crypto.randomUUID(),
    time,
    type: 'LOGOUT',
    realmId: 'r',
    clientId: 'web',
    userId: 'u',
    sessionId: 's',
    ipAddress: '127.0.0.1',
    ...rest,
  }
}

function idsOf(events: readonly FakeEvent[]): string[] {
  return events.map(({ id }) => id)
}

/** Responds to requests for events with the body that `respond` creates for the query. */
function answerEvents(scene: Scene, respond: (query: URLSearchParams) => string): void {
  scene.fake.intercept = (request, response) => {
    if (!request.url?.includes('/events?')) return false
    response.end(respond(new URL(request.url, scene.fake.baseUrl).searchParams))
    return true
  }
}

function assertAll(reader: Reader, events: readonly FakeEvent[]): void {
  assert.deepEqual(new Set(reader.ids()), new Set(idsOf(events)))
  assert.equal(reader.applied.length, events.length, 'applied once each')
}

test('applies events once, starting one token lifetime before the first start', async (context) => {
  const scene = await openScene(context)
  const now = Date.now()
  const old = logout(now - 70 * MINUTE)
  scene.fake.userEvents = [old, logout(now - 59 * MINUTE), logout(now - 1_000)]
  const reader = makeReader(scene)
  await reader.poll()
  await reader.poll()
  assertAll(reader, scene.fake.userEvents.slice(1))
})

test('reads no event that is older than any token after a long time without a read', async (context) => {
  let nowMs = Date.now()
  const scene = await openScene(context, {}, () => nowMs)
  scene.fake.userEvents = [logout(nowMs)]
  await makeReader(scene, { nowMs: () => nowMs }).poll()
  nowMs += 180 * MINUTE
  scene.fake.aheadSeconds = 180 * 60
  scene.fake.userEvents.push(logout(nowMs - 100 * MINUTE), logout(nowMs - 50 * MINUTE))
  const reader = makeReader(scene, { nowMs: () => nowMs })
  // Keycloak's clock is known after the first response.
  await scene.client.get(['events'], { right: 'view-events' })
  await reader.poll()
  assertAll(reader, scene.fake.userEvents.slice(2))
})

test('applies an event that becomes visible late, within the reread time', async (context) => {
  const scene = await openScene(context)
  const now = Date.now()
  scene.fake.userEvents = [logout(now - 1_000)]
  const reader = makeReader(scene)
  await reader.poll()
  scene.fake.userEvents.push(logout(now - 20_000), logout(now - 4 * MINUTE))
  await reader.poll()
  assertAll(reader, scene.fake.userEvents)
})

test('applies an event that becomes visible at the end of the reread time, however many events are reread', async (context) => {
  const start = Date.now()
  let nowMs = start
  const scene = await openScene(context, {}, () => nowMs)
  scene.fake.userEvents = Array.from({ length: 3_000 }, (_, index) => logout(start - 10_000 + index))
  const reader = makeReader(scene, { nowMs: () => nowMs })
  const pollAfter = async (seconds: number): Promise<void> => {
    nowMs = start + seconds * 1_000
    scene.fake.aheadSeconds = seconds
    await reader.poll()
  }
  await pollAfter(0)
  // This many are reread every three seconds.
  await pollAfter(299)
  scene.fake.userEvents.push(logout(start - MINUTE))
  for (const seconds of [300, 301, 302, 303, 304]) await pollAfter(seconds)
  assertAll(reader, scene.fake.userEvents)
})

test("an event dated in the future moves the cursor no further than Keycloak's clock", async (context) => {
  const scene = await openScene(context)
  const now = Date.now()
  scene.fake.userEvents = [logout(now + 86_400_000), logout(Number.MAX_SAFE_INTEGER)]
  const reader = makeReader(scene)
  await reader.poll()
  scene.fake.userEvents.push(logout(Date.now()))
  await reader.poll()
  await reader.poll()
  assertAll(reader, scene.fake.userEvents)
})

for (const aheadSeconds of [-120, -6, 6, 120]) {
  test(`nothing is lost with Keycloak's clock ${aheadSeconds} s ahead`, async (context) => {
    const scene = await openScene(context)
    scene.fake.aheadSeconds = aheadSeconds
    const keycloakNow = (): number => Date.now() + aheadSeconds * 1_000
    const reader = makeReader(scene, { rereadSeconds: 5 })
    for (let round = 0; round < 5; round += 1) {
      scene.fake.userEvents.push(logout(keycloakNow()), logout(keycloakNow() - 3_000))
      await reader.poll()
    }
    // Ten events may be reread after ten milliseconds.
    await new Promise((resolve) => setTimeout(resolve, 50))
    await reader.poll()
    assertAll(reader, scene.fake.userEvents)
    assert.equal(reader.gaps.length, 0)
    const lagMs = Date.now() - (reader.readUntil.at(-1) ?? 0)
    assert.ok(lagMs < 30_000, `${lagMs}`)
  })
}

test('reads all of many events of one millisecond, even if pages end within it', async (context) => {
  const scene = await openScene(context)
  const at = Date.now() - 10_000
  scene.fake.userEvents = [
    ...Array.from({ length: 499 }, (_, index) => logout(at - 1_000 + index)),
    ...Array.from({ length: 1_700 }, () => logout(at)),
    ...Array.from({ length: 700 }, (_, index) => logout(at + 1 + index)),
  ]
  const reader = makeReader(scene)
  await reader.poll()
  assertAll(reader, scene.fake.userEvents)
})

test('reads pages that are out of order by offset', async (context) => {
  const scene = await openScene(context)
  const now = Date.now()
  const events = Array.from({ length: 1_234 }, (_, index) => logout(now - ((index * 7_919) % 200_000)))
  answerEvents(scene, (query) => {
    const first = Number(query.get('first'))
    const found = events.filter(({ time }) => time >= Number(query.get('dateFrom')))
    return JSON.stringify(found.slice(first, first + Number(query.get('max'))))
  })
  const reader = makeReader(scene)
  await reader.poll()
  assertAll(reader, events)
})

test('a server that returns the same events for every page ends the poll, not the loop', async (context) => {
  const scene = await openScene(context)
  const same = JSON.stringify(Array.from({ length: 500 }, () => logout(Date.now())))
  answerEvents(scene, () => same)
  await assert.rejects(makeReader(scene).poll(), { code: 'connector_failed', detail: 'server_error' })
})

test('reads pages of 10 MB in parts, and one event of 10 MB on its own', async (context) => {
  const scene = await openScene(context)
  const now = Date.now()
  const long = (time: number, kilobytes: number): FakeEvent =>
    logout(time, { details: { text: 'x'.repeat(kilobytes * 1024) } })
  scene.fake.userEvents = [
    ...Array.from({ length: 500 }, (_, index) => long(now - 20_000 + index, 20)),
    long(now - 5_000, 10_240),
    logout(now),
  ]
  const reader = makeReader(scene)
  await reader.poll()
  assertAll(reader, scene.fake.userEvents)
})

test('passes on members that are not events, and no member stops those after it', async (context) => {
  const scene = await openScene(context)
  const now = Date.now()
  const good = logout(now)
  const odd = [
    null,
    7,
    'text',
    [],
    {},
    { id: 7, time: 'x' },
    { id: 'no time' },
    { time: now },
    { id: 'x'.repeat(65), time: now },
    { id: 'a', time: -1 },
    { id: 'b', time: 1.5 },
  ]
  answerEvents(scene, () => JSON.stringify([...odd, good]))
  const reader = makeReader(scene)
  await reader.poll()
  assert.equal(reader.applied.length, odd.length + 1)
  await reader.poll()
  assert.equal(reader.applied.filter((event) => (event as FakeEvent | null)?.id === good.id).length, 1)
})

test('does not request types that this Keycloak does not know, and reads its other events', async (context) => {
  const scene = await openScene(context)
  scene.fake.knownTypes = (type) => type === 'LOGOUT'
  scene.fake.userEvents = [logout(Date.now()), { ...logout(Date.now()), type: 'LOGIN' }]
  const reader = makeReader(scene)
  await reader.poll()
  assertAll(reader, scene.fake.userEvents)
  const before = scene.fake.requests.length
  await reader.poll()
  assert.equal(scene.fake.requests.length, before + 1)
})

test('fails for a response that is not a list of events', async (context) => {
  const scene = await openScene(context)
  for (const body of ['{}', 'null', '7', '']) {
    answerEvents(scene, () => body)
    await assert.rejects(makeReader(scene).poll(), { code: 'connector_failed', detail: 'not_json' })
  }
})

test('rereads a window with many events at intervals, and reads new events at each poll', async (context) => {
  const scene = await openScene(context)
  let nowMs = Date.now()
  const reader = makeReader(scene, { nowMs: () => nowMs })
  const begin = nowMs - 200_000
  scene.fake.userEvents = Array.from({ length: 10_000 }, (_, index) => logout(begin + index * 19))
  await reader.poll()
  const readIn = async (): Promise<number> => {
    const before = scene.fake.requests.length
    await reader.poll()
    return scene.fake.requests.length - before
  }
  for (let second = 1; second < 10; second += 1) {
    nowMs += 1_000
    scene.fake.userEvents.push(logout(nowMs))
    const read = await readIn()
    assert.ok(read <= 2, `${read} requests`)
  }
  const late = logout(nowMs - 100_000)
  scene.fake.userEvents.push(late)
  nowMs += 2_000
  const reread = await readIn()
  assert.ok(reread >= 20, `${reread} requests`)
  assertAll(reader, scene.fake.userEvents)
})

test('rereads only a part of a burst at each poll', async (context) => {
  const scene = await openScene(context)
  let nowMs = Date.now()
  const reader = makeReader(scene, { nowMs: () => nowMs })
  const begin = nowMs - 5_000
  scene.fake.userEvents = Array.from({ length: 10_000 }, (_, index) => logout(begin + Math.floor(index / 2)))
  await reader.poll()
  const before = scene.fake.requests.length
  for (let second = 1; second <= 60; second += 1) {
    nowMs += 1_000
    await reader.poll()
  }
  const requests = scene.fake.requests.length - before
  assert.ok(requests <= 60 + 2 * 6 * 21, `${requests} requests`)
  assertAll(reader, scene.fake.userEvents)
})

test('rereads little if nothing has happened for longer than events are late', async (context) => {
  const scene = await openScene(context)
  let nowMs = Date.now()
  const reader = makeReader(scene, { nowMs: () => nowMs })
  scene.fake.userEvents = Array.from({ length: 400 }, (_, index) => logout(nowMs - 1_000 + index))
  await reader.poll()
  nowMs += 301_000
  // The first poll reads all of it for the last time.
  await reader.poll()
  await reader.poll()
  const from = new URL(scene.fake.requests.at(-1)?.url ?? '', 'http://fake').searchParams.get('dateFrom')
  assert.equal(Number(from), scene.fake.userEvents.at(-1)?.time)
  scene.fake.userEvents.push(logout(nowMs))
  await reader.poll()
  assertAll(reader, scene.fake.userEvents)
})
