import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { createGate } from '../../entry/edge/node.ts'
import { createLedger } from '../core/guarded-ledger.ts'
import { generateFeedKey } from '../core/feed-key.ts'
import type { LedgerCore } from '../core/ledger.ts'
import { MINORS } from '../core/minor.ts'
import { RealmFeed } from './realm-feed.ts'
import type { Statement } from './statement.ts'
import { createOrigin, type JWK } from '../index.ts'
import { Readers } from './readers.ts'
import { createTestIssuer } from '../testing/stage.ts'
import '../testing/load.ts'
import { freshStore } from '../testing/stores.ts'

const EVENTS = 100_000
const SOMEBODY = '203.0.113.7'
/**
 * The CPU time of signing a delta on the clock of these tests: more than on any machine, so that a budget is soon
 * spent.
 */
const SIGNING_MS = 4

let signingKey: JWK
let publicKey: JWK
before(async () => ({ signingKey, publicKey } = await generateFeedKey()))

interface Stage {
  ledger: LedgerCore
  feed: RealmFeed
  readers: Readers
  /** The number of deltas signed. */
  signed: { count: number }
  /** In seconds for the ledger, and in milliseconds for the budgets. */
  clock: { now: number; ms: number }
  record(times: number): void
  ask(after: number, network?: string): Statement
}

/** Opens a feed over a ledger that counts what it signs. */
function open(events = EVENTS): Stage {
  const options = { leewaySeconds: 5, skewSeconds: 5, maxLifetimeSeconds: 3_600, issuerSkewSeconds: 0 }
  const ledger = createLedger('acme', {
    issuer: 'https://issuer.test',
    signingKey,
    errorRate: 1e-6,
    validForSeconds: 300,
    incarnation: 0,
    ...options,
  })
  const signed = { count: 0 }
  const clock = { now: Math.floor(Date.now() / 1000), ms: 0 }
  const counting = new Proxy(ledger, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      if (name !== 'signedDelta' && name !== 'signedDeltaOver') return member.bind(target)
      return (...given: unknown[]): unknown => {
        signed.count += 1
        clock.ms += SIGNING_MS
        return member.apply(target, given)
      }
    },
  })
  const feed = new RealmFeed({
    name: 'acme',
    ledger: counting,
    clock: () => clock.now,
    renewSeconds: 1,
    validForSeconds: 300,
  })
  const readers = new Readers({ maxWaitingPerAddress: 500, nowMs: () => clock.ms })
  let number = 0
  function record(times: number): void {
    for (let time = 0; time < times; time += 1) {
      number += 1
      const isToken = number % 2 === 0
      const expiresAt = clock.now + 300 + (number % 600)
      ledger.stage(
        isToken
          ? { kind: 'token', tokenId: `t-${number}`, expiresAt, issuedAt: clock.now }
          : { kind: 'user', subject: `u-${number}` },
        clock.now,
      )
    }
    ledger.commit()
  }
  record(events)
  return {
    ledger,
    feed,
    readers,
    signed,
    clock,
    record,
    ask: (after, network = SOMEBODY) => feed.form(0).sharedDelta(after, readers.budget(network)),
  }
}

test('serves every other sequence with few deltas, and a repeated one with none', () => {
  const { ask, feed, signed } = open()
  for (let after = 1; after < EVENTS; after += 37) {
    const { sequence } = ask(after, `198.51.100.${after % 250}`)
    assert.ok(sequence > after && sequence <= feed.sequence)
  }
  for (let after = EVENTS - 1_000; after < EVENTS; after += 1) ask(after, `198.51.100.${after % 250}`)
  assert.ok(signed.count <= 210, `${signed.count} deltas`)
  const { count } = signed
  for (let times = 0; times < 1_000; times += 1) ask(7)
  assert.equal(signed.count, count)
})

test('signs few deltas for one address, for any requests and any speed of the head', (t) => {
  const { ask, feed, record, signed, clock } = open()
  const seconds = 10
  const { now } = clock
  let [answered, busy] = [0, 0]
  let random = 1
  for (let question = 0; question < seconds * 1_000; question += 1) {
    // One request a millisecond, besides the time of signing.
    clock.ms += 1
    clock.now = now + Math.floor(clock.ms / 1_000)
    if (clock.ms >= seconds * 1_000) break
    record(1)
    random = (random * 48_271) % 0x7fffffff
    const behind = 1 + Math.floor((random / 0x7fffffff) ** 4 * (EVENTS - 10))
    try {
      assert.ok(ask(feed.sequence - behind).sequence > feed.sequence - behind)
      answered += 1
    } catch (error) {
      assert.equal((error as { detail?: string }).detail, 'busy')
      busy += 1
    }
  }
  t.diagnostic(`${answered} answered and ${busy} refused in ${seconds} s: ${signed.count} deltas`)
  // The address may cause deltas up to its budget of 30 ms at once and 30 ms a second. Add one delta a second for all
  // readers that have spent their budget, and some deltas that end before the head.
  assert.ok(signed.count <= (30 + 30 * seconds) / SIGNING_MS + seconds + 15, `${signed.count} deltas`)
  // Most requests are still answered, by deltas made for others, and other addresses are not affected.
  assert.ok(answered >= 6_000, `${answered} answered`)
  assert.equal(ask(feed.sequence - 2, '198.51.100.1').sequence, feed.sequence)
})

test('creates a delta that ends before the head once, until the keys change or the history restarts', () => {
  const { ask, ledger, record, signed, clock } = open(40_000)
  const first = ask(10)
  record(100)
  assert.equal(ask(11), first)
  assert.equal(signed.count, 1)
  ledger.stage(
    {
      kind: 'keys',
      jwks: '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}',
    },
    clock.now,
  )
  ledger.commit()
  assert.notEqual(ask(10), first)
  clock.now += 60
  const later = ask(10)
  assert.notEqual(later, first)
  assert.equal(later.sequence, first.sequence)
  ledger.stage({ kind: 'correction', correction: { kind: 'user', subject: 'u-1' } }, clock.now)
  ledger.commit()
  assert.throws(() => ask(10), { code: 'feed_refused', detail: 'pruned' })
})

test('readers of different forms never share a delta: far from the head, near it, or for all readers out of CPU budget', () => {
  const { feed, readers, clock } = open(40_000)
  const minorAt = 5
  for (const after of [10, 20_000, 39_001, 39_990, feed.sequence]) {
    for (let round = 0; round < 2; round += 1) {
      for (const minor of MINORS)
        assert.equal(
          feed.form(minor).sharedDelta(after, readers.budget('198.51.100.1')).bytes[minorAt],
          minor,
          `after ${after}`,
        )
    }
  }
  const spent = readers.budget(SOMEBODY)
  spent.charge(() => (clock.ms += 1_000))
  for (let round = 0; round < 2; round += 1) {
    for (const minor of MINORS)
      assert.equal(feed.form(minor).sharedDelta(feed.sequence - 200, spent).bytes[minorAt], minor)
  }
})

test('a gate that is far behind reaches the head step by step, by pull and by stream', async () => {
  const issuer = await createTestIssuer()
  const origin = await createOrigin({
    store: freshStore(),
    signingKey,
    realms: [issuer.realm],
    onReport: () => undefined,
  })
  const through = (input: string | URL | Request, init?: RequestInit): Promise<Response> =>
    origin.fetch(new Request(input, init), { address: SOMEBODY })
  const gates = (['pull', 'stream'] as const).map((mode) =>
    createGate({
      realms: [
        {
          name: 'acme',
          issuer: issuer.realm.issuer,
          audience: 'api',
          jwks: { keys: [issuer.jwk] },
          feed: { url: 'https://origin.test/feed/acme', keys: [publicKey], mode },
        },
      ],
      fetch: through as typeof fetch,
      onReport: () => undefined,
    }),
  )
  try {
    await gates[0]?.refresh()
    await Promise.all(Array.from({ length: 40_000 }, (_, number) => origin.logoutUser('acme', `user-${number}`)))
    for (const gate of gates) {
      await gate.refresh()
      assert.equal(gate.status()[0]?.sequence, origin.status()[0]?.sequence)
    }
    const { sequence = 0 } = origin.status()[0] ?? {}
    const stop = new AbortController()
    const response = await through('https://origin.test/feed/acme/stream?after=1', { signal: stop.signal })
    let text = ''
    for await (const chunk of response.body ?? []) {
      text += new TextDecoder().decode(chunk)
      if (text.endsWith('\n\n') && text.includes(`id: ${sequence}\n`)) break
    }
    assert.ok((text.match(/^id: /gm)?.length ?? 0) >= 3)
    stop.abort()
    const refused = await through('https://origin.test/feed/acme/deltas?after=9999999')
    assert.equal(refused.status, 409)
  } finally {
    for (const gate of gates) gate.close()
    await origin.close()
  }
})
