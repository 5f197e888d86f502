import { MAX_STATE_BYTES } from '../connector-state.ts'
import { MAX_OUTBOX_PAYLOAD_BYTES, type OutboxEntry, type OutboxQuery, type StoredOutboxEntry } from '../outbox.ts'
import { connectorStore, type ConnectorStore } from '../store.ts'
import { holds, refused, same } from './assertions.ts'
import { batch, type Case, entry, HEAD, headAt, headOf, NAMES, row, rowsOf, type Subject, timesOf } from './samples.ts'

/** Named state and the outbox. */
export const CONNECTOR_CASES: readonly Case[] = [
  of('a state is written only over the version that its writer has read', async (store) => {
    same(await store.readState('acme', 'cursor'), undefined, 'a state that was never written')
    same(await store.writeState('acme', 'cursor', bytes(1), 1), undefined, 'written over a version that does not exist')
    same(await store.writeState('acme', 'cursor', bytes(1), 0), 1, 'written first')
    same(await store.writeState('acme', 'cursor', bytes(2), 0), undefined, 'written first once more')
    same(await store.writeState('acme', 'cursor', bytes(2), 1), 2, 'written over version 1')
    for (const stale of [0, 1, 3])
      same(await store.writeState('acme', 'cursor', bytes(9), stale), undefined, `written over version ${stale} of 2`)
    same(await store.readState('acme', 'cursor'), { value: bytes(2), version: 2 }, 'the state')
  }),
  of('of writers at once one wins', async (store) => {
    for (const expected of [0, 1, 2]) {
      const tries = Array.from({ length: 20 }, async (_, index) =>
        store.writeState('acme', 'lease', bytes(index), expected),
      )
      const versions = await Promise.all(tries)
      same(
        versions.filter((version) => version !== undefined),
        [expected + 1],
        `winners over version ${expected}`,
      )
      same(
        (await store.readState('acme', 'lease'))?.value,
        bytes(versions.findIndex((version) => version !== undefined)),
        'the value of the winner',
      )
    }
  }),
  of('a state keeps every byte, also after it was closed, and is a copy of its own', async (store, { reopened }) => {
    const every = Uint8Array.from({ length: 256 }, (_, index) => index)
    const given = every.slice()
    await store.writeState('acme', 'every', given, 0)
    given.fill(0)
    same(await store.readState('acme', 'every'), { value: every, version: 1 }, 'every byte')
    ;(await store.readState('acme', 'every'))?.value.fill(0)
    same(await store.readState('acme', 'every'), { value: every, version: 1 }, 'after the reader has changed its copy')
    await store.writeState('acme', 'empty', new Uint8Array(), 0)
    const again = needed(await reopened())
    same(await again.readState('acme', 'every'), { value: every, version: 1 }, 'every byte, opened again')
    same(await again.readState('acme', 'empty'), { value: new Uint8Array(), version: 1 }, 'no byte, opened again')
    same(await again.writeState('acme', 'every', bytes(1), 1), 2, 'written over the value from before')
  }),
  of('states are distinguished by every byte of their realms and names', async (store) => {
    for (const [index, name] of NAMES.entries()) {
      await store.writeState('acme', name, bytes(index), 0)
      await store.writeState(name, 'cursor', bytes(index, 1), 0)
    }
    for (const [index, name] of NAMES.entries()) {
      same((await store.readState('acme', name))?.value, bytes(index), `name ${index}`)
      same((await store.readState(name, 'cursor'))?.value, bytes(index, 1), `realm ${index}`)
    }
  }),
  of('a state that is too large is refused, and so is a name', async (store) => {
    const largest = new Uint8Array(MAX_STATE_BYTES).fill(7)
    same(await store.writeState('acme', 'large', largest, 0), 1, 'the largest')
    await refused(
      () => store.writeState('acme', 'large', new Uint8Array(MAX_STATE_BYTES + 1), 1),
      'too_large',
      'one byte more',
    )
    same(await store.readState('acme', 'large'), { value: largest, version: 1 }, 'the largest')
    for (const name of ['', 'x'.repeat(1_025), 'é'.repeat(513), 'lone \ud800']) {
      await refused(
        () => store.writeState('acme', name, bytes(1), 0),
        'invalid_option',
        `a name of ${name.length} characters`,
      )
    }
  }),
  of('entries of the outbox are written with their rows or not at all', async (store) => {
    await refused(
      () => store.append([{ ...batch(0, [row(1)]), outbox: [sent(1)] }]),
      'store_corrupt',
      'with rows of a realm without a head',
    )
    await store.setHead('acme', HEAD)
    await store.setHead('other', HEAD)
    const wrong = { ...batch(7, [row(8)]), outbox: [sent(1)] }
    const good = { ...batch(0, [row(1)], 'other'), outbox: [sent(2)] }
    for (const batches of [[wrong], [good, wrong]])
      await refused(() => store.append(batches), 'store_corrupt', 'with rows that do not follow')
    await refused(
      () => store.append([{ ...batch(7, []), outbox: [sent(3)] }]),
      'store_corrupt',
      'without rows, after another head',
    )
    for (const realm of ['acme', 'other']) same(await waiting(store, { realm }), [], `entries waiting for ${realm}`)
    await store.append([{ ...batch(0, [row(1)]), outbox: [sent(4)] }, good], [entry(1)])
    await store.append([{ ...batch(1, []), outbox: [sent(5)] }])
    same(numbers(await waiting(store)), [4, 5], 'entries waiting for acme')
    same(numbers(await waiting(store, { realm: 'other' })), [2], 'entries waiting for other')
    same(
      [await rowsOf(store), await headOf(store), await timesOf(store)],
      [[row(1)], headAt(1), [1]],
      'written with it',
    )
  }),
  of('the outbox keeps every member, in order, until it is acknowledged', async (store, { reopened }) => {
    const first: OutboxEntry = {
      queue: '名前\u0000',
      at: 1_800_000_000,
      dueAt: 1_800_000_060,
      payload: Uint8Array.from({ length: 256 }, (_, index) => index),
    }
    const second: OutboxEntry = { queue: '名前\u0000', at: 1_800_000_001, payload: new Uint8Array() }
    await put(store, [first, sent(1), second])
    const asked = { queue: first.queue }
    const expected = [
      { ...first, realm: 'acme', attempts: 0 },
      { ...second, realm: 'acme', attempts: 0, dueAt: second.at },
    ]
    const found = await waiting(store, asked)
    same(
      found.map(({ id: _, ...rest }) => rest),
      expected,
      'entries waiting',
    )
    const again = needed(await reopened())
    same(await waiting(again, asked), found, 'entries waiting, opened again')
    same(await again.acknowledgeOutbox(found[0]?.id ?? 0), true, 'acknowledged')
    same(await waiting(again, asked), found.slice(1), 'entries waiting then')
    same(await waiting(needed(await reopened()), asked), found.slice(1), 'entries waiting then, opened again')
  }),
  of('nothing is delivered again after it was acknowledged', async (store) => {
    await put(store, [sent(1), sent(2), sent(3)])
    const [, middle] = await waiting(store)
    same(await store.acknowledgeOutbox(middle?.id ?? 0), true, 'acknowledged')
    same(await store.acknowledgeOutbox(middle?.id ?? 0), false, 'acknowledged once more')
    same(await store.postponeOutbox(middle?.id ?? 0, 0), false, 'postponed after that')
    same(numbers(await waiting(store)), [1, 3], 'entries waiting')
  }),
  of('a failed attempt is counted and holds back that entry only', async (store) => {
    await put(store, [sent(1), sent(2), { ...sent(3), dueAt: 300 }])
    const [first] = await waiting(store)
    const due = async (dueAt: number): Promise<number[]> => numbers(await waiting(store, { dueAt }))
    same([await due(99), await due(100), await due(300)], [[], [1, 2], [1, 2, 3]], 'due at first')
    same(await store.postponeOutbox(first?.id ?? 0, 200), true, 'postponed')
    same(await store.postponeOutbox(first?.id ?? 0, 250), true, 'postponed again')
    same([await due(100), await due(249), await due(250), await due(300)], [[2], [2], [1, 2], [1, 2, 3]], 'due then')
    same(
      (await waiting(store)).map(({ attempts }) => attempts),
      [2, 0, 0],
      'attempts',
    )
    same((await waiting(store))[0], { ...first, dueAt: 250, attempts: 2 }, 'the entry that was postponed')
  }),
  of('queues are paged by id, each by itself', async (store) => {
    const all = Array.from({ length: 25 }, (_, index) => ({
      ...sent(index),
      queue: index % 5 === 4 ? 'other' : 'keycloak',
    }))
    await put(store, all)
    const paged: StoredOutboxEntry[] = []
    for (let page = await waiting(store, { limit: 7 }); page.length > 0; ) {
      holds(page.length <= 7, 'a page is longer than its limit')
      paged.push(...page)
      holds(paged.length <= all.length, 'pages go on beyond the queue')
      page = await waiting(store, { limit: 7, after: page.at(-1)?.id ?? 0 })
    }
    same(
      numbers(paged),
      all.flatMap(({ queue }, index) => (queue === 'other' ? [] : [index])),
      'pages',
    )
    same(numbers(await waiting(store, { queue: 'other' })), [4, 9, 14, 19, 24], 'the queue beside it')
    same(await waiting(store, { queue: 'Keycloak' }), [], 'a queue by another name')
    same(await waiting(store, { limit: 0 }), [], 'none')
  }),
  of('ids of the outbox increase, and none is used twice', async (store, { reopened }) => {
    const greatest = async (from: ConnectorStore): Promise<number> => (await waiting(from)).at(-1)?.id ?? 0
    await put(store, [sent(1), sent(2)])
    const before = await greatest(store)
    for (const { id } of await waiting(store)) await store.acknowledgeOutbox(id)
    await store.append([{ ...batch(0, []), outbox: [sent(3)] }])
    const later = await greatest(store)
    holds(later > before, 'an id is used again after all were acknowledged')
    await store.acknowledgeOutbox(later)
    const again = needed(await reopened())
    await again.append([{ ...batch(0, []), outbox: [sent(4)] }])
    holds((await greatest(again)) > later, 'an id is used again after the store was reopened')
  }),
  of('an entry that is too large for the outbox is refused with all that comes with it', async (store) => {
    await store.setHead('acme', HEAD)
    const largest = { ...sent(1), payload: new Uint8Array(MAX_OUTBOX_PAYLOAD_BYTES).fill(7) }
    const bad: [OutboxEntry, 'too_large' | 'invalid_option'][] = [
      [{ ...largest, payload: new Uint8Array(MAX_OUTBOX_PAYLOAD_BYTES + 1) }, 'too_large'],
      [{ ...largest, queue: '' }, 'invalid_option'],
      [{ ...largest, queue: 'x'.repeat(1_025) }, 'invalid_option'],
    ]
    for (const [each, code] of bad)
      await refused(() => store.append([{ ...batch(0, [row(1)]), outbox: [largest, each] }], [entry(1)]), code, code)
    same([await rowsOf(store), await waiting(store), await timesOf(store)], [[], [], []], 'written with it')
    await store.append([{ ...batch(0, [row(1)]), outbox: [largest] }])
    same((await waiting(store))[0]?.payload, largest.payload, 'the largest')
  }),
  of('pruning leaves state and outbox alone', async (store) => {
    await put(store, [sent(1)])
    await store.writeState('acme', 'cursor', bytes(1), 0)
    await store.prune(1_000_000, 100)
    await store.pruneAudit(1_000_000, 100)
    same(numbers(await waiting(store)), [1], 'entries waiting')
    same(await store.readState('acme', 'cursor'), { value: bytes(1), version: 1 }, 'the state')
  }),
]

function of(name: string, run: (store: ConnectorStore, subject: Subject) => Promise<void>): Case {
  return { name, run: (subject) => run(needed(subject.store), subject) }
}

function needed(store: Parameters<typeof connectorStore>[0]): ConnectorStore {
  return connectorStore(store, 'the contract')
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values)
}

/** Returns an entry that is identified by its number and due at once. */
function sent(number: number): OutboxEntry {
  return { queue: 'keycloak', at: 100, payload: bytes(number) }
}

/** Writes to the outbox of `acme`, a new realm. */
async function put(store: ConnectorStore, outbox: readonly OutboxEntry[]): Promise<void> {
  await store.setHead('acme', HEAD)
  await store.append([{ ...batch(0, []), outbox }])
}

async function waiting(store: ConnectorStore, query: Partial<OutboxQuery> = {}): Promise<StoredOutboxEntry[]> {
  return store.outboxEntries({ realm: 'acme', queue: 'keycloak', limit: 1_000, ...query })
}

function numbers(entries: readonly StoredOutboxEntry[]): number[] {
  return entries.map(({ payload }) => payload[0] ?? -1)
}
