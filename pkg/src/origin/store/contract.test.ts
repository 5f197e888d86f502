// A store that breaks a promise fails the contract, and the failing test names the promise.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredAuditEntry } from './audit-entry.ts'
import { storeContract } from './contract.ts'
import { memoryStore } from './memory.ts'
import { connectorStore, type RealmRows, type RevocationStore, type StoredRealm, type StoredRow } from './store.ts'

interface Fault {
  fault: string
  fails: string
  plant(store: RevocationStore): Partial<RevocationStore>
}

const FAULTS: readonly Fault[] = [
  {
    fault: 'loses the last row of an append',
    fails: 'rows come back in order, byte for byte, with the head they led to',
    plant: (store) => ({ load: (realm) => withRows(store, realm, (rows) => rows.slice(0, -1)) }),
  },
  {
    fault: 'returns rows in the wrong order',
    fails: 'a long ledger comes back whole and in order, row by row and by pages',
    plant: (store) => ({
      load: (realm) => withRows(store, realm, (rows) => [...rows.slice(4_096), ...rows.slice(0, 4_096)]),
    }),
  },
  {
    fault: 'accepts rows after a head that is not its own',
    fails: 'rows that do not follow the head are refused, and nothing of them is kept',
    plant: (store) => ({ append: async (batches, entries) => store.append(await rebased(store, batches), entries) }),
  },
  {
    fault: 'writes the realms of one append one after the other',
    fails: 'rows of several realms are written together or not at all',
    plant: (store) => ({
      async append(batches, entries) {
        for (const batch of batches) await store.append([batch])
        await store.append([], entries)
      },
    }),
  },
  {
    fault: 'writes audit entries before the rows',
    fails: 'audit entries are written with their rows or not at all',
    plant: (store) => ({
      async append(batches, entries) {
        await store.append([], entries)
        await store.append(batches)
      },
    }),
  },
  {
    fault: 'looks at the head, and writes later',
    fails: 'of simultaneous calls that follow the same head one succeeds',
    plant: (store) => ({
      async append(batches, entries) {
        for (const { realm, after } of batches) {
          if ((await store.load(realm))?.head.sequence !== after) return store.append(batches, entries)
        }
        await new Promise((resolve) => setTimeout(resolve, 1))
        return store.append(await rebased(store, batches), entries)
      },
    }),
  },
  {
    fault: 'prunes a second too early',
    fails: 'pruning deletes expired rows, up to a limit, and no others',
    plant: (store) => ({ prune: (now, limit) => store.prune(now + 1, limit) }),
  },
  {
    fault: 'prunes regardless of the limit',
    fails: 'pruning deletes expired rows, up to a limit, and no others',
    plant: (store) => ({ prune: (now) => store.prune(now, Number.MAX_SAFE_INTEGER) }),
  },
  {
    fault: 'returns pages of the audit log out of order',
    fails: 'pages of the audit log leave out and repeat nothing, newest first',
    plant: (store) => ({ auditEntries: async (query) => [...(await store.auditEntries(query))].reverse() }),
  },
  {
    fault: 'numbers audit entries by position',
    fails: 'ids of audit entries increase, and none is used twice',
    plant: (store) => ({ auditEntries: async (query) => renumbered(await store.auditEntries(query)) }),
  },
  {
    fault: 'folds the case of names',
    fails: 'realms are distinguished by every byte of their names',
    plant: (store) => ({
      load: (realm) => store.load(realm.toLowerCase()),
      setHead: (realm, head) => store.setHead(realm.toLowerCase(), head),
      append: (batches, entries) =>
        store.append(
          batches.map((each) => ({ ...each, realm: each.realm.toLowerCase() })),
          entries,
        ),
    }),
  },
  {
    fault: 'accepts every write of a state',
    fails: 'a state is written only over the version that its writer has read',
    plant: (store) => ({
      writeState: async (realm, name, value) =>
        store.writeState?.(realm, name, value, (await store.readState?.(realm, name))?.version ?? 0),
    }),
  },
  {
    fault: 'looks at the version, and writes later',
    fails: 'of writers at once one wins',
    plant: (store) => ({
      async writeState(realm, name, value, expected) {
        const version = async (): Promise<number> => (await store.readState?.(realm, name))?.version ?? 0
        if ((await version()) !== expected) return undefined
        await new Promise((resolve) => setTimeout(resolve, 1))
        await store.writeState?.(realm, name, value, await version())
        return expected + 1
      },
    }),
  },
  {
    fault: 'delivers again after an acknowledgement',
    fails: 'nothing is delivered again after it was acknowledged',
    plant: () => ({ acknowledgeOutbox: () => true }),
  },
  {
    fault: 'drops the outbox',
    fails: 'entries of the outbox are written with their rows or not at all',
    plant: (store) => ({
      append: (batches, entries) =>
        store.append(
          batches.map(({ outbox: _, ...rest }) => rest),
          entries,
        ),
    }),
  },
  {
    fault: 'delivers before the time',
    fails: 'a failed attempt is counted and holds back that entry only',
    plant: (store) => ({ outboxEntries: ({ dueAt: _, ...query }) => store.outboxEntries?.(query) ?? [] }),
  },
  {
    fault: 'delivers the newest first',
    fails: 'the outbox keeps every member, in order, until it is acknowledged',
    plant: (store) => ({ outboxEntries: async (query) => [...((await store.outboxEntries?.(query)) ?? [])].reverse() }),
  },
  {
    fault: 'fails with an error of its own',
    fails: 'rows that do not follow the head are refused, and nothing of them is kept',
    plant: (store) => ({
      async append(batches, entries) {
        try {
          await store.append(batches, entries)
        } catch {
          throw new Error('SQLITE_CONSTRAINT')
        }
      },
    }),
  },
  {
    fault: 'allows two owners',
    fails: 'a store has one owner, and closing releases it',
    plant: (store) => ({
      async open() {
        await store.close()
        await store.open()
      },
    }),
  },
]

for (const { fault, fails, plant } of FAULTS) {
  test(`a store that ${fault} fails the contract`, async () => {
    const failed = await failedTests(() => {
      const store = memoryStore()
      return { ...store, ...plant(store) }
    })
    assert.ok(failed.has(fails), `it passed '${fails}', and failed ${JSON.stringify([...failed])}`)
  })
}

test('a correct store passes all of it, also if it returns promises and reads rows asynchronously', async () => {
  const failed = await failedTests(() => {
    const store = memoryStore()
    const slow = Object.entries(store).map(([name, method]) => [
      name,
      async (...values: never[]) => (method as (...values: never[]) => unknown)(...values),
    ])
    return {
      ...(Object.fromEntries(slow) as RevocationStore),
      load: async (realm) => withRows(store, realm, asynchronous),
    }
  })
  assert.deepEqual([...failed], [])
})

test('a store from before connectors passes without them, and a connector names the missing methods', async () => {
  const before = (): RevocationStore => {
    const { readState: _, outboxEntries: __, ...store } = memoryStore()
    return store
  }
  assert.deepEqual([...(await failedTests(before, false))], [])
  const failed = await failedTests(before)
  assert.match([...failed.values()][0] ?? '', /needs a store .* has no readState, outboxEntries/)
  assert.throws(() => connectorStore(before(), 'keycloakConnector'), {
    code: 'invalid_option',
    message:
      'keycloakConnector needs a store that keeps state and an outbox: options.store has no readState, outboxEntries',
  })
})

test('tests of the contract have distinct names, and also close and dispose of a store after a failure', async () => {
  const names: string[] = []
  let open = 0
  let disposed = 0
  const bodies: (() => Promise<void>)[] = []
  storeContract(
    () => {
      const store = memoryStore()
      return {
        store: {
          ...store,
          open: () => void (open += 1),
          close: () => void (open = 0),
          load: () => {
            throw new Error('broken')
          },
        },
        dispose: () => void (disposed += 1),
      }
    },
    { test: (name, body) => void (names.push(name), bodies.push(body)) },
  )
  assert.equal(new Set(names).size, names.length)
  await Promise.allSettled(bodies.map((body) => body()))
  assert.deepEqual([open, disposed], [0, names.length])
})

/** Returns the names of the tests that the store fails, with their errors. */
async function failedTests(make: () => RevocationStore, connectors = true): Promise<Map<string, string>> {
  const failed = new Map<string, string>()
  const running: Promise<void>[] = []
  storeContract(() => ({ store: make() }), {
    connectors,
    test: (name, body) => running.push(body().catch((error: unknown) => void failed.set(name, String(error)))),
  })
  await Promise.all(running)
  return failed
}

async function withRows(
  store: RevocationStore,
  realm: string,
  change: (rows: StoredRow[]) => StoredRealm['rows'],
): Promise<StoredRealm | undefined> {
  const found = await store.load(realm)
  if (found === undefined) return undefined
  const rows: StoredRow[] = []
  for await (const row of found.rows) rows.push(row)
  return { head: found.head, rows: change(rows) }
}

async function* asynchronous(rows: StoredRow[]): AsyncGenerator<StoredRow> {
  for (const row of rows) yield row
}

/** Returns the batches, rebased onto the store's heads. */
async function rebased(store: RevocationStore, batches: readonly RealmRows[]): Promise<RealmRows[]> {
  return Promise.all(
    batches.map(async (batch) => ({ ...batch, after: (await store.load(batch.realm))?.head.sequence ?? batch.after })),
  )
}

function renumbered(entries: readonly StoredAuditEntry[]): StoredAuditEntry[] {
  return entries.map((entry, index) => ({ ...entry, id: entries.length - index }))
}
