import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EdgeRegistry, type Published } from './edge-registry.ts'
import type { OriginReport } from '../api.ts'

/** An event that is to be enforced. */
const atFive = { realm: 'acme', sequence: 5 }

const chainOf = (sequence: number): string => String(sequence).padStart(32, '0')

/** Opens a registry of edges with a clock and a ledger that the test controls. */
function openBook({ oldest = 0 } = {}): {
  book: EdgeRegistry
  at: { now: number; head: number }
  reports: OriginReport[]
  acknowledge(name: string, sequence: number, issuedAt?: number): string
  state(name: string): string | undefined
} {
  const at = { now: 1_000, head: 5 }
  const published: Published = {
    head: () => ({ sequence: at.head, chain: chainOf(at.head) }),
    chainAt: (sequence) => (sequence >= oldest && sequence <= at.head ? chainOf(sequence) : undefined),
  }
  const reports: OriginReport[] = []
  const book = new EdgeRegistry({
    edges: [{ name: 'a', ackSecret: 'secret-a' }, { name: 'b', ackSecret: 'secret-b' }, { name: 'mute' }],
    realms: new Map([['acme', published]]),
    silentAfterSeconds: 60,
    skewSeconds: 5,
    clock: () => at.now,
    onReport: (report) => reports.push(report),
  })
  return {
    book,
    at,
    reports,
    acknowledge: (name, sequence, issuedAt) =>
      book.acknowledge('acme', name, {
        sequence,
        chain: chainOf(sequence),
        minor: 0,
        ...(issuedAt === undefined ? {} : { issuedAt }),
      }),
    state: (name) => book.status('acme').find((edge) => edge.name === name)?.state,
  }
}

test('an edge is unheard, behind, current and silent', () => {
  const { book, at, acknowledge, state } = openBook()
  assert.equal(state('a'), 'unheard')
  acknowledge('a', 3, at.now)
  assert.equal(state('a'), 'behind')
  assert.equal(book.status('acme')[0]?.behindBy, 2)
  acknowledge('a', 5, at.now)
  assert.equal(state('a'), 'current')
  at.now += 60
  assert.equal(state('a'), 'current')
  at.now += 1
  assert.equal(state('a'), 'silent')
  acknowledge('a', 5, at.now)
  assert.equal(state('a'), 'current')
  assert.equal(state('mute'), 'unheard')
})

test('a replayed acknowledgement changes nothing and is not a sign of life', () => {
  const { book, at, acknowledge, state } = openBook()
  acknowledge('a', 4, 990)
  acknowledge('a', 5, 1_000)
  const before = book.status('acme')[0]
  for (let turn = 0; turn < 10; turn += 1) {
    at.now += 10
    for (const [sequence, issuedAt] of [
      [4, 990],
      [5, 1_000],
      [5, undefined],
      [4, undefined],
    ] as const)
      acknowledge('a', sequence, issuedAt)
  }
  assert.equal(state('a'), 'silent')
  const after = book.status('acme')[0]
  assert.deepEqual([after?.sequence, after?.acknowledgedAt], [before?.sequence, before?.acknowledgedAt])
  // Also for an origin that has just started and does not remember it.
  const again = openBook()
  again.at.now = 2_000
  again.acknowledge('a', 5, 1_000)
  assert.equal(again.state('a'), 'silent')
  assert.deepEqual(again.book.missing('acme', 5), ['a', 'b', 'mute'])
})

test('a wrong chain is refused at every sequence, including past ones', () => {
  const { book, acknowledge, reports } = openBook()
  for (const sequence of [0, 3, 5]) {
    assert.equal(
      book.acknowledge('acme', 'a', { sequence, chain: 'f'.repeat(32), issuedAt: 1_000, minor: 0 }),
      'other_chain',
    )
  }
  assert.equal(acknowledge('a', 6, 1_000), 'ahead')
  assert.equal(acknowledge('a', 5, 1_006), 'from_future')
  assert.equal(book.status('acme')[0]?.sequence, undefined)
  assert.deepEqual(
    reports.map(({ edge, error }) => [edge, error?.code, error?.detail]),
    [['a', 'acknowledged_ahead', 'other_chain']],
  )
  assert.equal(acknowledge('a', 5, 1_005), 'recorded')
  assert.equal(reports.at(-1)?.error, undefined)
})

test('an acknowledgement too far back to be compared does not count', () => {
  const { book, at, acknowledge, state } = openBook({ oldest: 4 })
  assert.equal(acknowledge('a', 3, at.now), 'forgotten')
  assert.equal(
    book.acknowledge('acme', 'a', { sequence: 3, chain: 'f'.repeat(32), issuedAt: at.now, minor: 0 }),
    'forgotten',
  )
  assert.equal(state('a'), 'unheard')
})

test('reports edges that fall silent once when it begins and once when it ends', () => {
  const { book, at, acknowledge, reports } = openBook()
  acknowledge('a', 5, at.now)
  at.now += 61
  for (let turn = 0; turn < 3; turn += 1) book.watch()
  acknowledge('a', 5, at.now)
  acknowledge('b', 5, at.now)
  book.watch()
  assert.deepEqual(
    reports.map(({ kind, edge, realm, error }) => [kind, realm, edge, error?.code, error?.detail]),
    [
      ['acknowledgement', 'acme', 'a', 'edge_silent', 'silent'],
      ['acknowledgement', 'acme', 'b', 'edge_silent', 'unheard'],
      ['acknowledgement', 'acme', 'a', undefined, undefined],
      ['acknowledgement', 'acme', 'b', undefined, undefined],
    ],
  )
})

test('waiting ends once every edge that can acknowledge has done so', async () => {
  const { book, at, acknowledge } = openBook()
  let over = false
  const waiting = book.enforced(atFive, 10_000).then(() => (over = true))
  book.pushed('acme', 'a', 5)
  book.pushed('acme', 'b', 5)
  acknowledge('a', 5, at.now)
  acknowledge('b', 4, at.now)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(over, false)
  acknowledge('b', 5, at.now)
  await waiting
  assert.deepEqual(book.missing('acme', 5), ['mute'])
})

test("waiting ends with the timeout, the caller's signal and the registry", async () => {
  const { book } = openBook()
  await book.enforced(atFive, 0)
  await book.enforced(atFive, 5)
  const gone = new AbortController()
  const waiting = [book.enforced(atFive, 10_000, gone.signal)]
  gone.abort()
  await Promise.all(waiting)
  waiting.push(book.enforced(atFive, 10_000))
  book.close()
  await Promise.all(waiting)
})

test("an edge's minor version is the one in its last acknowledgement, and old ones change nothing", () => {
  const { book, at } = openBook()
  const say = (sequence: number, issuedAt: number, minor: number): string =>
    book.acknowledge('acme', 'a', { sequence, chain: chainOf(sequence), issuedAt, minor })
  const minor = (): number | undefined => book.status('acme')[0]?.minor
  assert.equal(minor(), undefined)
  assert.equal(
    book.acknowledge('acme', 'a', { sequence: 5, chain: 'f'.repeat(32), issuedAt: at.now, minor: 1 }),
    'other_chain',
  )
  assert.equal(minor(), undefined)
  say(4, 990, 0)
  say(5, 1_000, 1)
  assert.deepEqual([minor(), book.minorOf('acme', 'a'), book.minorOf('acme', 'b')], [1, 1, undefined])
  say(4, 990, 0)
  say(5, 999, 0)
  assert.equal(minor(), 1)
  book.refusedMinor('acme', 'a')
  assert.equal(minor(), undefined)
  say(4, 990, 1)
  assert.equal(minor(), undefined)
  say(5, 1_000, 1)
  assert.equal(minor(), 1)
  say(5, 1_000, 0)
  assert.equal(minor(), 0)
})

test('an event that a form omits is enforced by every reader except those of that form', async () => {
  const { book, at } = openBook()
  for (const [name, minor] of [
    ['a', 0],
    ['b', 1],
  ] as const)
    book.acknowledge('acme', name, { sequence: 5, chain: chainOf(5), issuedAt: at.now, minor })
  assert.deepEqual(book.missing('acme', 5), ['mute'])
  assert.deepEqual(book.missing('acme', 5, 1), ['a', 'mute'])
  let over = false
  const waiting = book.enforced({ ...atFive, leastMinor: 1 }, 10_000).then(() => (over = true))
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(over, false)
  book.acknowledge('acme', 'a', { sequence: 5, chain: chainOf(5), issuedAt: at.now, minor: 1 })
  await waiting
})
