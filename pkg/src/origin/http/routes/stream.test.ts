import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { MINORS } from '../../core/minor.ts'
import { TestReader } from '../../testing/reader.ts'
import { openStage, type Stage, until } from '../../testing/stage.ts'

let stage: Stage
before(async () => (stage = await openStage()))
after(() => stage.close())

interface Event {
  event: string
  id: number
  bytes: Uint8Array
}

/** Reads events one by one. */
async function* events(response: Response): AsyncGenerator<Event> {
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += new TextDecoder().decode(chunk)
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const fields = Object.fromEntries(
        text
          .slice(0, end)
          .split('\n')
          .map((line) => line.split(': ', 2)),
      )
      text = text.slice(end + 2)
      yield { event: fields.event, id: Number(fields.id), bytes: new Uint8Array(Buffer.from(fields.data, 'base64')) }
    }
  }
}

/** Skips heartbeats. */
async function next(stream: AsyncGenerator<Event>, beyond: number): Promise<Event> {
  for await (const event of { [Symbol.asyncIterator]: () => ({ next: () => stream.next() }) })
    if (event.id > beyond) return event
  throw new Error('the stream ended')
}

test('a new reader gets the manifest, then each change as it is committed, then heartbeats', async () => {
  const stop = new AbortController()
  const response = await stage.get('/feed/acme/stream', { signal: stop.signal })
  assert.equal(response.headers.get('content-type'), 'text/event-stream')
  assert.equal(response.headers.get('cache-control'), 'no-store')
  const stream = events(response)
  const first = (await stream.next()).value as Event
  assert.equal(first.event, 'feed')
  assert.equal(first.id, stage.sequence())
  assert.ok(first.bytes.length > 0)
  for (let change = 0; change < 3; change += 1) {
    const head = stage.sequence()
    await stage.revoke(await stage.issuer.token())
    assert.equal((await next(stream, head)).id, head + 1)
  }
  const heartbeat = (await stream.next()).value as Event
  assert.equal(heartbeat.id, stage.sequence())
  stop.abort()
})

test('a reader with a state gets the missing changes', async () => {
  const head = stage.sequence()
  await stage.revoke(await stage.issuer.token())
  const stop = new AbortController()
  for (const init of [
    { path: `?after=${head}`, headers: {} },
    { path: '?after=0', headers: { 'last-event-id': String(head) } },
  ]) {
    const response = await stage.get(`/feed/acme/stream${init.path}`, { signal: stop.signal, headers: init.headers })
    const first = (await events(response).next()).value as Event
    assert.equal(first.id, head + 1)
    const delta = new Uint8Array(await (await stage.get(`/feed/acme/deltas?after=${head}`)).arrayBuffer())
    assert.equal(first.bytes.length, delta.length)
  }
  assert.equal((await stage.get('/feed/acme/stream', { headers: { 'last-event-id': 'x' } })).status, 400)
  stop.abort()
})

test('simultaneous readers of both forms get each change in their own form', async () => {
  const stop = new AbortController()
  const get = (path: string): Promise<Response> => stage.get(`/feed/acme/${path}`)
  const token = await stage.issuer.token({ sub: 'carol', azp: 'app' })
  const other = await stage.issuer.token({ sub: 'carol', azp: 'web' })
  const followers = await Promise.all(
    MINORS.map(async (minor) => {
      const reader = new TestReader({ minor, issuer: stage.issuer, feedKey: stage.publicKey, get })
      await reader.pullManifest()
      return {
        reader,
        stream: events(
          await stage.get(`/feed/acme/stream?after=${reader.sequence}&minor=${minor}`, { signal: stop.signal }),
        ),
      }
    }),
  )
  const follow = async (): Promise<void> => {
    for (const { reader, stream } of followers) {
      while ((reader.sequence ?? 0) < stage.sequence()) reader.apply(((await stream.next()).value as Event).bytes)
    }
  }
  await stage.origin.logoutUser('acme', 'dave')
  await follow()
  assert.deepEqual(
    followers.map(({ reader }) => reader.reasonOf(token)),
    [undefined, undefined],
  )
  await stage.origin.endGrant('acme', 'carol', 'app')
  await follow()
  assert.deepEqual(
    followers.map(({ reader }) => reader.reasonOf(token)),
    ['user_revoked', 'grant_revoked'],
  )
  assert.deepEqual(
    followers.map(({ reader }) => reader.reasonOf(other)),
    ['user_revoked', undefined],
  )
  stop.abort()
  for (const { reader } of followers) reader.free()
})

test('forgets a reader that leaves, and closing ends the streams', async () => {
  const own = await openStage()
  const stop = new AbortController()
  const left = await own.get('/feed/acme/stream', { signal: stop.signal })
  const stayed = await own.get('/feed/acme/stream')
  const reader = stayed.body?.getReader()
  await reader?.read()
  stop.abort()
  await assert.rejects(async () => left.text())
  await own.origin.close()
  await until(async () => (await reader?.read())?.done === true, 'the stream ends')
  await own.close()
})

test('drops a reader that does not read', async () => {
  const own = await openStage({ heartbeatSeconds: 5 })
  try {
    const response = await own.origin.fetch(new Request('http://localhost/feed/acme/stream'))
    // Each change of this many sessions is about 30 kB in base64; a mebibyte may wait unread.
    for (let round = 0; round < 60; round += 1) {
      await Promise.all(
        Array.from({ length: 3_000 }, (_, index) => own.origin.endSession('acme', `session ${round} ${index}`)),
      )
    }
    await assert.rejects(async () => response.text(), /too slow/)
  } finally {
    await own.close()
  }
})
