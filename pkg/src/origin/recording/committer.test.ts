import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { PortcullisError } from '../../errors.ts'
import { AuditBounds } from './audit-bounds.ts'
import { createLedger } from '../core/guarded-ledger.ts'
import { generateFeedKey } from '../core/feed-key.ts'
import type { LedgerCore } from '../core/ledger.ts'
import { Committer } from './committer.ts'
import type { Turn } from './store-writer.ts'
import type { RevocationStore, StoredAuditEntry } from '../index.ts'
import { failing, type FailingStore } from '../testing/failing.ts'
import '../testing/load.ts'

const ISSUER = 'https://issuer.test'

let folder: string
let failingStore: FailingStore
let store: RevocationStore
let ledger: LedgerCore
let committer: Committer
let now: number
const turns: Turn[] = []
const reported: (PortcullisError | undefined)[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-ledger-'))
  failingStore = failing()
  store = failingStore.store
  await store.open()
  const { signingKey } = await generateFeedKey()
  ledger = createLedger('acme', {
    issuer: ISSUER,
    signingKey,
    leewaySeconds: 5,
    skewSeconds: 5,
    maxLifetimeSeconds: 3_600,
    issuerSkewSeconds: 0,
    errorRate: 1e-6,
    validForSeconds: 300,
    incarnation: 0,
  })
  const { sequence, chain } = ledger.head()
  await store.setHead('acme', {
    issuer: ISSUER,
    incarnation: 0,
    sequence,
    chain: Uint8Array.from(Buffer.from(chain, 'hex')),
  })
  now = 1_800_000_000
  turns.length = 0
  reported.length = 0
  committer = new Committer({
    store,
    ledgers: new Map([['acme', ledger]]),
    clock: () => now,
    auditRetentionSeconds: 1_000,
    bounds: new AuditBounds({ realms: ['acme'] }),
    onCommitted() {},
    onStore: (error) => reported.push(error),
    onTurn: (turn) => turns.push(turn),
  })
})
afterEach(async () => {
  await committer.close()
  await store.close()
  ledger.free()
  await rm(folder, { recursive: true })
})

async function lines(): Promise<Partial<StoredAuditEntry>[]> {
  return [...(await store.auditEntries({ realm: 'acme', limit: 100 }))].reverse().map(({ id: _, ...entry }) => entry)
}

const ended = (session: string) =>
  [{ kind: 'session', session }, { audit: { action: 'session_ended', subject: session } }] as const

test('an event and its line share one transaction, with the sequence that the caller gets', async () => {
  const recorded = await Promise.all([
    committer.record('acme', ...ended('s1')),
    committer.record(
      'acme',
      { kind: 'user', subject: 'alice' },
      { audit: { action: 'user_logged_out', actor: 'admin:bob', reason: 'left' } },
    ),
    committer.note({ realm: 'acme', action: 'login', actor: 'user:carol', address: '203.0.113.7' }),
    committer.record('acme', { kind: 'session', session: 's2' }),
  ])
  assert.equal(failingStore.commits(), 1)
  assert.deepEqual(recorded[0], { realm: 'acme', sequence: 3, changed: true })
  assert.deepEqual(await lines(), [
    { realm: 'acme', at: now, action: 'session_ended', actor: 'application', subject: 's1', sequence: 3 },
    { realm: 'acme', at: now, action: 'user_logged_out', actor: 'admin:bob', sequence: 3, reason: 'left' },
    { realm: 'acme', at: now, action: 'login', actor: 'user:carol', address: '203.0.113.7' },
  ])
})

test('a transaction waits while every turn of the event loop brings more, up to a limit', async () => {
  // Its turns begin before the committer's, so that calls in them arrive before the committer checks.
  let turn = nextTurn()
  const asked = [committer.record('acme', ...ended('s1'))]
  for (const session of ['s2', 's3']) {
    await turn
    turn = nextTurn()
    asked.push(committer.record('acme', ...ended(session)))
  }
  await Promise.all(asked)
  assert.equal(failingStore.commits(), 1)

  let isWritten = false
  turn = nextTurn()
  asked.push(committer.record('acme', ...ended('t')))
  void asked.at(-1)?.then(() => (isWritten = true))
  for (let number = 0; number < 20 && !isWritten; number += 1) {
    await turn
    turn = nextTurn()
    asked.push(committer.record('acme', ...ended(`t${number}`)))
  }
  assert.ok(isWritten)
  await Promise.all(asked)
})

test('an event in force already is still audited, durably', async () => {
  assert.deepEqual(await committer.record('acme', ...ended('s1')), { realm: 'acme', sequence: 1, changed: true })
  const again = { realm: 'acme', sequence: 1, changed: false }
  assert.deepEqual(await committer.record('acme', ...ended('s1')), again)
  assert.equal(failingStore.commits(), 2)
  assert.deepEqual(
    (await lines()).map(({ sequence }) => sequence),
    [1, 1],
  )
  // Without a line there is nothing to write.
  assert.deepEqual(await committer.record('acme', { kind: 'session', session: 's1' }), again)
  assert.equal(failingStore.commits(), 2)
})

test("an act of a token's holder that is already in force costs no disk sync, also beside others in one batch", async () => {
  const own = (actor: string) =>
    [{ kind: 'session', session: 's1' }, { audit: { action: 'session_ended', actor, subject: 's1' } }] as const
  const asked = await Promise.all([
    committer.record('acme', ...own('user:alice')),
    committer.record('acme', ...own('client:demo')),
  ])
  assert.deepEqual(asked, [
    { realm: 'acme', sequence: 1, changed: true },
    { realm: 'acme', sequence: 1, changed: false },
  ])
  for (const actor of ['user:alice', 'client:demo', 'token:7']) {
    assert.deepEqual(await committer.record('acme', ...own(actor)), { realm: 'acme', sequence: 1, changed: false })
  }
  assert.equal(failingStore.commits(), 1)
  assert.deepEqual(
    (await lines()).map(({ actor }) => actor),
    ['user:alice'],
  )
  await committer.record('acme', ...own('admin:bob'))
  assert.deepEqual(
    (await lines()).map(({ actor }) => actor),
    ['user:alice', 'admin:bob'],
  )
})

test('a failing store has neither, reports it, and nothing is in force', async () => {
  failingStore.fail(true)
  const failed = await Promise.allSettled([
    committer.record('acme', ...ended('s1')),
    committer.note({ realm: 'acme', action: 'login' }),
  ])
  assert.ok(
    failed.every((each) => each.status === 'rejected' && (each.reason as PortcullisError).code === 'store_unavailable'),
  )
  assert.deepEqual(
    reported.map((error) => error?.code),
    ['store_unavailable'],
  )
  failingStore.fail(false)
  await committer.note({ realm: 'acme', action: 'logout' })
  assert.deepEqual(
    reported.map((error) => error?.code),
    ['store_unavailable', undefined],
  )
  assert.deepEqual(
    (await lines()).map(({ action }) => action),
    ['logout'],
  )
  assert.equal(ledger.refuses({ session: 's1', issuedAt: now, expiresAt: now + 300 }), undefined)
  assert.equal(ledger.head().sequence, 0)
})

test('an event that the ledger refuses leaves no line', async () => {
  const correction = { kind: 'user', subject: 'alice', notBefore: now * 1_000 } as const
  const milliseconds = { kind: 'correction', correction } as const
  await assert.rejects(committer.record('acme', milliseconds, { audit: { action: 'corrected' } }), {
    code: 'invalid_event',
  })
  await assert.rejects(committer.record('other', ...ended('s1')), { code: 'unknown_realm' })
  await assert.rejects(committer.note({ realm: 'other', action: 'login' }), { code: 'unknown_realm' })
  assert.deepEqual(await lines(), [])
})

test('a guard sees everything before it, including simultaneous events', async () => {
  const thumbprints = ['A', 'B', 'C'].map((letter) => `${letter.repeat(42)}A`)
  const lastKey = new PortcullisError('invalid_event', 'it is the last one', { detail: 'last_key' })
  const ban = (thumbprint: string) =>
    committer.record(
      'acme',
      { kind: 'keyBanned', thumbprint },
      {
        audit: { action: 'key_banned', subject: thumbprint },
        guard() {
          if (thumbprints.filter((each) => each !== thumbprint).every((each) => ledger.bans(each))) throw lastKey
        },
      },
    )
  const [first, other, second, third] = await Promise.allSettled([
    ban(thumbprints[0] ?? ''),
    committer.record('acme', ...ended('s1')),
    ban(thumbprints[1] ?? ''),
    ban(thumbprints[2] ?? ''),
  ])
  assert.deepEqual([first?.status, other?.status, second?.status], ['fulfilled', 'fulfilled', 'fulfilled'])
  assert.equal(third?.status === 'rejected' ? third.reason : undefined, lastKey)
  assert.deepEqual(
    (await lines()).map(({ action }) => action),
    ['key_banned', 'session_ended', 'key_banned'],
  )
})

test('reports each batch once it is durable, with its duration and new events', async () => {
  await Promise.all([
    committer.record('acme', ...ended('s1')),
    committer.record('acme', ...ended('s1')),
    committer.record('acme', { kind: 'user', subject: 'alice' }),
  ])
  await committer.note({ realm: 'acme', action: 'login' })
  failingStore.fail(true)
  await assert.rejects(committer.record('acme', ...ended('s2')))
  const session = { realm: 'acme', kind: 'session' }
  assert.deepEqual(
    turns.map(({ recorded }) => recorded),
    [[session, { realm: 'acme', kind: 'user' }], []],
  )
  assert.ok(turns.every(({ milliseconds }) => milliseconds > 0 && milliseconds < 60_000))
})

test('the audit log outlives its rows, with its own retention', async () => {
  await committer.record(
    'acme',
    { kind: 'token', tokenId: 't', expiresAt: now + 10 },
    { audit: { action: 'token_revoked', subject: 't' } },
  )
  const rows = async (): Promise<number> => {
    let count = 0
    for await (const row of (await store.load('acme'))?.rows ?? []) count += row.sequence > 0 ? 1 : 0
    return count
  }
  assert.equal(await rows(), 1)
  now += 1_000
  await committer.prune()
  assert.equal(await rows(), 0)
  assert.equal((await lines()).length, 1)
  now += 1
  await committer.prune()
  assert.deepEqual(await lines(), [])
})

test('truncates a string that is too long, and a NUL hides nothing after it', async () => {
  await committer.note({ realm: 'acme', action: 'login', actor: 'x'.repeat(5_000), subject: 'alice\0mallory' })
  const [line] = await lines()
  assert.equal(Buffer.byteLength(line?.actor ?? ''), 271)
  assert.equal(line?.subject, 'alice\ufffdmallory')
})

test('closing waits for lines and then accepts no more', async () => {
  const noted = committer.note({ realm: 'acme', action: 'login' })
  await committer.close()
  await noted
  assert.equal((await lines()).length, 1)
  await assert.rejects(committer.note({ realm: 'acme', action: 'login' }), { code: 'closed' })
})
