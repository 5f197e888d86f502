import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createGate } from '../../entry/edge/node.ts'
import { page } from '../../test-fixtures/server.ts'
import { clock, TestRealm } from '../testing/realm.ts'

async function started(t: TestContext) {
  const realm = await TestRealm.start(t)
  const streams = new Set<ServerResponse>()
  const answer = realm.server.listener
  realm.server.listener = (request, response) => {
    if (!request.url?.includes('/stream') || realm.instead.has('stream')) return answer(request, response)
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': welcome\n\n')
    streams.add(response)
    response.on('close', () => streams.delete(response))
  }
  const send = (bytes: Uint8Array, event = 'feed') => {
    for (const stream of streams)
      stream.write(`event: ${event}\nid: 1\ndata: ${Buffer.from(bytes).toString('base64')}\n\n`)
  }
  const feed = { url: realm.feedUrl, keys: [realm.feedKey], mode: 'stream' as const }
  // Nothing is pulled in the background, so every change came by the stream.
  const gate = createGate(
    realm.options({ refreshAfterSeconds: 1000, waitAfterSeconds: 1000, maxStaleSeconds: 1000 }, { feed }),
  )
  t.after(() => gate.close())
  return { realm, gate, streams, send }
}

async function until(what: string, met: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const deadline = Date.now() + ms
  while (!(await met())) {
    assert.ok(Date.now() < deadline, `never: ${what}`)
    await pause(10)
  }
}

test('starts at first use and applies events', async (t) => {
  const { realm, gate, streams, send } = await started(t)
  await pause(30)
  assert.deepEqual(realm.server.hits, [])
  const token = await realm.token({ sub: 'bob' })
  assert.ok((await gate.check(token)).ok)
  await until('connected', () => streams.size === 1)
  assert.equal(realm.server.count('/manifest'), 1)
  realm.record({ kind: 'user', subject: 'bob' })
  send(realm.delta(0))
  await until('revoked', () => !gate.checkSync(token).ok)
})

test('a gap is filled by pulling, and the stream continues', async (t) => {
  const { realm, gate, streams, send } = await started(t)
  await gate.check(await realm.token())
  await until('connected', () => streams.size === 1)
  realm.record({ kind: 'user', subject: 'bob' })
  const { sequence } = realm.ledger.head()
  realm.record({ kind: 'user', subject: 'carol' })
  send(realm.delta(sequence))
  await until('caught up', () => gate.status()[0]?.sequence === realm.ledger.head().sequence)
  assert.equal(streams.size, 1)
})

test('the sections of a streamed manifest are fetched', async (t) => {
  const { realm, gate, streams, send } = await started(t)
  await gate.check(await realm.token())
  await until('connected', () => streams.size === 1)
  for (let i = 0; i < 100; i++) realm.record({ kind: 'token', tokenId: `t-${i}`, expiresAt: clock() + 600 })
  send(realm.manifest())
  const token = await realm.token({ jti: 't-50', exp: clock() + 600 })
  await until('revoked', () => {
    const verdict = gate.checkSync(token)
    return !verdict.ok && verdict.reason === 'token_revoked'
  })
})

test('reconnects when the stream ends, breaks or is malformed, and catches up', async (t) => {
  const { realm, gate, streams, send } = await started(t)
  await gate.check(await realm.token())
  const breaks = [
    () => streams.forEach((stream) => stream.end()),
    () => streams.forEach((stream) => stream.destroy()),
    () => streams.forEach((stream) => stream.write('event: feed\ndata: ***\n\n')),
    () => send(new TextEncoder().encode('garbage')),
  ]
  for (const breakIt of breaks) {
    await until('connected', () => streams.size === 1)
    const before = realm.server.count('/stream')
    breakIt()
    await until('connected again', () => realm.server.count('/stream') > before)
  }
  await until('connected', () => streams.size === 1)
  assert.match(realm.server.hits.at(-1) ?? '', /\/stream\?after=\d+&minor=1$/)
  assert.ok(realm.reports.length >= breaks.length)
})

test('an origin without streams is reported, and retried with increasing pauses', async (t) => {
  const { realm, gate } = await started(t)
  realm.instead.set('stream', page())
  const startedAtMs = Date.now()
  assert.ok((await gate.check(await realm.token())).ok)
  await until('asked again', () => realm.server.count('/stream') >= 2)
  await pause(1500)
  const asked = realm.server.count('/stream')
  // The shortest pauses are half of 250, 500, 1000 ms and so on.
  let allowed = 1
  for (let [atMs, pauseMs] = [125, 250]; atMs <= Date.now() - startedAtMs; atMs += pauseMs, pauseMs *= 2) allowed += 1
  assert.ok(asked <= allowed, `${asked} times`)
  assert.ok(realm.reports.every((report) => report.error.detail === 'not_a_feed'))
})

test('close ends the stream', async (t) => {
  const { realm, gate, streams } = await started(t)
  await gate.refresh()
  await until('connected', () => streams.size === 1)
  gate.close()
  await until('disconnected', () => streams.size === 0)
  await pause(400)
  assert.equal(realm.server.count('/stream'), 1)
  assert.deepEqual(realm.reports, [])
})

test('a broken stream is reported as such, and reconnected', async (t) => {
  const { realm, gate, streams } = await started(t)
  await gate.check(await realm.token())
  await until('connected', () => streams.size === 1)
  for (const stream of streams) stream.destroy()
  await until('reported', () => realm.reports.length > 0)
  const [report] = realm.reports
  assert.equal(report?.error.code, 'feed_unreachable')
  assert.match(report?.error.message ?? '', /aborted the stream|ended the stream/)
  await until('connected again', () => streams.size === 1)
})
