// A feed of another realm is never applied, even if both realms belong to one gate.

import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createGate } from '../entry/edge/node.ts'
import type { GateOptions, RealmOptions, Report } from '../types.ts'
import { TestRealm } from './testing/realm.ts'

interface Two {
  acme: TestRealm
  other: TestRealm
  reports: Report[]
  options(swap: 'swapped' | 'in_order', more?: Partial<GateOptions>): GateOptions & { realms: RealmOptions[] }
}

async function two(t: TestContext): Promise<Two> {
  const [acme, other] = [await TestRealm.start(t, 'acme'), await TestRealm.start(t, 'other')]
  const reports: Report[] = []
  // One signing key, as an origin has for all its realms, is pinned in both.
  const keys = [acme.feedKey, other.feedKey]
  return {
    acme,
    other,
    reports,
    options: (swap, more = {}) =>
      ({
        realms: [
          acme.realmOptions({ feed: { url: swap === 'swapped' ? other.feedUrl : acme.feedUrl, keys } }),
          other.realmOptions({ feed: { url: swap === 'swapped' ? acme.feedUrl : other.feedUrl, keys } }),
        ],
        firstLoadTimeoutMs: 300,
        refreshTimeoutMs: 300,
        onReport: (report: Report) => void reports.push(report),
        ...more,
      }) as GateOptions & { realms: RealmOptions[] },
  }
}

const wrongRealm = { code: 'feed_refused', detail: 'wrong_realm' }

function reported(reports: readonly Report[]): string[] {
  const ours = reports.filter(({ error }) => error.detail === 'wrong_realm')
  return [...new Set(ours.map(({ kind, realm }) => `${kind} ${realm}`))].sort()
}

async function until(what: string, met: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000
  while (!met()) {
    assert.ok(Date.now() < deadline, `never: ${what}`)
    await pause(10)
  }
}

test('swapped feed URLs: refresh rejects, and each realm is reported', async (t) => {
  const { acme, other, reports, options } = await two(t)
  const gate = createGate(options('swapped'))
  t.after(() => gate.close())
  for (const realm of ['acme', 'other']) await assert.rejects(gate.refresh(realm), wrongRealm)
  for (const realm of [acme, other]) {
    const verdict = await gate.check(await realm.token())
    assert.equal(verdict.ok ? 'accepted' : verdict.reason, 'no_feed')
  }
  assert.deepEqual(
    gate.status().map(({ loaded }) => loaded),
    [false, false],
  )
  assert.deepEqual(reported(reports), ['feed acme', 'feed other'])
})

test('a delta of the other realm, once both are loaded, changes neither', async (t) => {
  const { acme, other, reports, options } = await two(t)
  const gate = createGate(options('in_order'))
  t.after(() => gate.close())
  await gate.refresh()
  const before = gate.status().map(({ sequence }) => sequence)
  other.record({ kind: 'user', subject: 'alice' })
  // A cache that mixes up the two.
  acme.instead.set('deltas', (_, response) =>
    response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(other.delta(0)),
  )
  await assert.rejects(gate.refresh('acme'), wrongRealm)
  assert.deepEqual(
    gate.status().map(({ sequence }) => sequence),
    before,
  )
  assert.deepEqual(reported(reports), ['feed acme'])
  assert.ok((await gate.check(await other.token())).ok, 'the other realm has not got it from its own feed')
})

test('a stream of the other realm is reported and closed', async (t) => {
  const { acme, other, reports, options } = await two(t)
  const streams = new Set<ServerResponse>()
  acme.instead.set('stream', (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': welcome\n\n')
    streams.add(response)
    response.on('close', () => streams.delete(response))
  })
  const {
    realms: [first, second],
    ...rest
  } = options('in_order')
  assert.ok(first?.feed !== undefined && second !== undefined)
  const gate = createGate({ ...rest, realms: [{ ...first, feed: { ...first.feed, mode: 'stream' } }, second] })
  t.after(() => gate.close())
  await gate.refresh()
  await until('connected', () => streams.size === 1)
  other.record({ kind: 'user', subject: 'alice' })
  for (const stream of streams)
    stream.write(`event: feed\nid: 1\ndata: ${Buffer.from(other.delta(0)).toString('base64')}\n\n`)
  await until('reported', () => reported(reports).length > 0)
  assert.deepEqual(reported(reports), ['feed acme'])
  assert.ok((await gate.check(await other.token())).ok)
})

test('a push is applied to the realm that it names; one for an unknown realm is refused, and reported at a bounded rate', async (t) => {
  const { acme, other, reports, options } = await two(t)
  const stranger = await TestRealm.start(t, 'stranger')
  const gate = createGate(options('in_order'))
  t.after(() => gate.close())
  const push = (bytes: Uint8Array) =>
    gate.receiveFeed(
      new Request('http://edge.example/feed', { method: 'POST', body: bytes as Uint8Array<ArrayBuffer> }),
    )
  for (const realm of [other, acme]) assert.equal((await push(realm.manifest())).status, 200)
  assert.deepEqual(
    gate.status().map(({ loaded }) => loaded),
    [true, true],
  )
  for (let number = 0; number < 20; number++) {
    const answer = await push(stranger.manifest())
    assert.equal(answer.status, 400)
    assert.equal(((await answer.json()) as { error?: string }).error, 'feed_refused')
  }
  assert.deepEqual(reported(reports), ['feed acme', 'feed other'])
  assert.equal(reports.length, 2)
  assert.throws(() => gate.applyFeed(stranger.manifest()), wrongRealm)
})
