// One realm's feed for readers of different minor versions.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { JWK } from '../../types.ts'
import { generateFeedKey } from '../core/feed-key.ts'
import { createLedger } from '../core/guarded-ledger.ts'
import type { LedgerCore, LedgerEvent } from '../core/ledger.ts'
import { MINORS, type Minor } from '../core/minor.ts'
import '../testing/load.ts'
import { RealmFeed } from './realm-feed.ts'
import type { Statement } from './statement.ts'

/** The offset of the minor version in a statement. */
const MINOR_AT = 5

let signingKey: JWK
let nextKey: JWK
before(async () => {
  ;({ signingKey } = await generateFeedKey())
  nextKey = (await generateFeedKey()).signingKey
})

interface Stage {
  feed: RealmFeed
  ledger: LedgerCore
  /** The minor version of each signed statement. */
  signed: number[]
  /** The form for which signing fails. */
  failing: { minor: Minor | undefined }
  at: { now: number }
  /** Records an event, brings a gate to the head as the origin's own is, and publishes. */
  record(event: LedgerEvent): void
}

function open(): Stage {
  const times = {
    leewaySeconds: 5,
    skewSeconds: 5,
    maxLifetimeSeconds: 3_600,
    issuerSkewSeconds: 0,
    validForSeconds: 300,
  }
  const ledger = createLedger('acme', {
    issuer: 'https://issuer.test',
    signingKey,
    errorRate: 1e-6,
    incarnation: 0,
    ...times,
  })
  const signed: number[] = []
  const failing: Stage['failing'] = { minor: undefined }
  const at = { now: 1_700_000_000 }
  const counting = new Proxy(ledger, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      if (name !== 'manifest' && name !== 'signedDelta' && name !== 'signedDeltaOver') return member.bind(target)
      return (...given: number[]): unknown => {
        const minor = given.at(-1)
        if (minor === failing.minor) throw new Error('failing on purpose')
        signed.push(minor ?? Number.NaN)
        return member.apply(target, given)
      }
    },
  })
  const feed = new RealmFeed({
    name: 'acme',
    ledger: counting,
    clock: () => at.now,
    renewSeconds: 1,
    validForSeconds: 300,
  })
  return {
    feed,
    ledger,
    signed,
    failing,
    at,
    record(event) {
      const { sequence } = feed
      ledger.stage(event, at.now)
      ledger.commit()
      const gate = [...feed.ownForm.statements(sequence)]
      assert.equal(gate.at(-1)?.sequence, sequence + 1)
      feed.publish(sequence)
    },
  }
}

/** Returns the statements sent to a listener of a form. */
function listen(feed: RealmFeed, minor: Minor): Statement[] {
  const heard: Statement[] = []
  assert.ok(feed.subscribe(minor, (statement) => heard.push(statement)))
  return heard
}

const minorsOf = (statements: readonly Statement[]): (number | undefined)[] =>
  statements.map(({ bytes }) => bytes[MINOR_AT])
const user = (subject: string): LedgerEvent => ({ kind: 'user', subject })

test('listeners get every change in their form, signed once per form', () => {
  const { feed, signed, record, at } = open()
  const heard = MINORS.flatMap((minor) => [listen(feed, minor), listen(feed, minor)])
  for (const [index, subject] of ['alice', 'bob', 'carol'].entries()) {
    signed.length = 0
    record(user(subject))
    assert.deepEqual(signed.toSorted(), [0, 1])
    heard.forEach((statements, reader) => {
      assert.deepEqual([statements.length, statements[index]?.sequence], [index + 1, feed.sequence])
      assert.deepEqual(new Set(minorsOf(statements)), new Set([reader < 2 ? 0 : 1]))
    })
  }
  at.now += 1
  signed.length = 0
  feed.heartbeat()
  assert.deepEqual(signed, [0, 1])
  assert.deepEqual(
    heard.flatMap((statements) => minorsOf(statements.slice(-1))),
    [0, 0, 1, 1],
  )
})

test('with readers of one form nothing is signed twice or in another form', () => {
  for (const minor of MINORS) {
    const { feed, signed, record, at } = open()
    // A poll for manifests, a poll for deltas, a stream: the origin's own gate shares with each.
    feed.form(minor).manifest()
    feed.ownForm.manifest()
    assert.deepEqual(signed, [minor])
    record(user('alice'))
    feed.form(minor).delta(feed.sequence - 1)
    assert.deepEqual(signed, [minor, minor])
    listen(feed, minor)
    record(user('bob'))
    assert.deepEqual(signed, [minor, minor, minor])
    at.now += 1
    feed.heartbeat()
    ;[...feed.ownForm.statements(feed.sequence)]
    assert.deepEqual(signed, [minor, minor, minor, minor])
  }
})

test("the origin's own gate uses the newest form once an older one would refuse more than was meant", () => {
  for (const event of [
    { kind: 'grant', subject: 'alice', client: 'app' },
    { kind: 'keyNotBefore', thumbprint: 'A'.repeat(43) },
  ] satisfies LedgerEvent[]) {
    const { feed, record, signed } = open()
    listen(feed, 0)
    record(user('alice'))
    assert.equal(feed.ownForm.minor, 0)
    signed.length = 0
    record(event)
    assert.equal(feed.ownForm.minor, 1)
    assert.deepEqual(signed, [1, 0])
  }
})

test('caches manifests by form, each with its own validator', async () => {
  const { feed, signed, record } = open()
  const read = (): Promise<{ etag: string; bytes: Uint8Array }[]> =>
    Promise.all(MINORS.map((minor) => feed.form(minor).validatedManifest()))
  const first = await read()
  assert.deepEqual(
    first.map(({ bytes }) => bytes[MINOR_AT]),
    [0, 1],
  )
  assert.notEqual(first[0]?.etag, first[1]?.etag)
  assert.deepEqual(
    (await read()).map(({ etag }) => etag),
    first.map(({ etag }) => etag),
  )
  assert.deepEqual(signed, [0, 1])
  record(user('alice'))
  const etags = [...first, ...(await read())].map(({ etag }) => etag)
  assert.equal(new Set(etags).size, 4)
})

test('another key re-signs every form', () => {
  const { feed, ledger } = open()
  const ofEach = (): Uint8Array[] =>
    MINORS.flatMap((minor) => [feed.form(minor).manifest().bytes, feed.form(minor).delta(0).bytes])
  const before = ofEach()
  assert.deepEqual(ofEach(), before)
  ledger.setSigningKey(nextKey)
  const heard = MINORS.map((minor) => listen(feed, minor))
  feed.resign()
  ofEach().forEach((bytes, index) => assert.notDeepEqual(bytes, before[index]))
  assert.deepEqual(
    heard.map((statements) => minorsOf(statements)),
    [[0], [1]],
  )
})

test('a failing form does not affect listeners of the other one', () => {
  for (const minor of MINORS) {
    const { feed, ledger, failing, at } = open()
    const heard = MINORS.map((each) => listen(feed, each))
    ledger.stage(user('alice'), at.now)
    ledger.commit()
    failing.minor = minor
    assert.throws(() => feed.publish(0), /failing on purpose/)
    assert.deepEqual(
      heard.map(({ length }) => length),
      [minor, 1 - minor],
    )
  }
})

test('a long poll ends with the change, without signing anything', async () => {
  const { feed, ledger, signed, at } = open()
  const waiting = [1, 2].map(() => feed.waitBeyond(0, 60_000, new AbortController().signal))
  feed.heartbeat()
  ledger.stage(user('alice'), at.now)
  ledger.commit()
  feed.publish(0)
  assert.deepEqual(await Promise.all(waiting), [true, true])
  assert.deepEqual(signed, [])
  const gone = new AbortController()
  const draining = [feed.waitBeyond(1, 60_000, gone.signal), feed.waitBeyond(1, 60_000, new AbortController().signal)]
  gone.abort()
  assert.equal(await draining[0], true)
  feed.close()
  assert.equal(await draining[1], true)
  assert.throws(() => feed.form(0), { code: 'closed' })
})
