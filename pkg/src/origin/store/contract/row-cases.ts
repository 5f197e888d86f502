import { MAX_INCARNATION, SEQUENCES_PER_INCARNATION, type RevocationStore, type StoredRow } from '../store.ts'
import { holds, refused, same } from './assertions.ts'
import {
  batch,
  type Case,
  entry,
  HEAD,
  headAt,
  headOf,
  NAMES,
  pagedRowsOf,
  row,
  rows,
  rowsOf,
  timesOf,
} from './samples.ts'

/** More rows than a store reads at a time. */
const MANY_ROWS = 9_000
const LONG_PAYLOAD = 100_000
const CALLS_AT_ONCE = 20

/** Heads, rows and pruning. */
export const ROW_CASES: readonly Case[] = [
  {
    name: 'a realm that was never written is unknown',
    async run({ store }) {
      same(await store.load('acme'), undefined, 'a new realm')
      await store.setHead('acme', HEAD)
      same(await store.load('other'), undefined, 'another realm')
    },
  },
  {
    name: 'a head comes back as it was set, and a later one replaces it',
    async run({ store, reopened }) {
      await store.setHead('acme', HEAD)
      same(await headOf(store), HEAD, 'the first head')
      same(await rowsOf(store), [], 'its rows')
      const greatest = {
        ...headAt(SEQUENCES_PER_INCARNATION * MAX_INCARNATION + 7),
        issuer: 'https://名前.test/?a=b',
        incarnation: MAX_INCARNATION,
      }
      await store.setHead('acme', greatest)
      same(await headOf(store), greatest, 'the greatest head')
      same(await headOf(await reopened()), greatest, 'the greatest head, opened again')
    },
  },
  {
    name: 'rows come back in order, byte for byte, with the head they led to',
    async run({ store, reopened }) {
      await store.setHead('acme', HEAD)
      const first = [row(1, 50), row(2), row(3, 0)]
      const second = [row(5, undefined, 0), row(6, 70, LONG_PAYLOAD), row(SEQUENCES_PER_INCARNATION + 1)]
      await store.append([batch(0, first)])
      await store.append([batch(3, second)])
      const found = [...first, ...second]
      same(await rowsOf(store), found, 'rows')
      same(await headOf(store), headAt(SEQUENCES_PER_INCARNATION + 1), 'the head')
      const again = await reopened()
      same(await rowsOf(again), found, 'rows, opened again')
      same(await headOf(again), headAt(SEQUENCES_PER_INCARNATION + 1), 'the head, opened again')
    },
  },
  {
    name: 'a long ledger comes back whole and in order, row by row and by pages',
    async run({ store }) {
      await store.setHead('acme', HEAD)
      await store.setHead('other', HEAD)
      const many = rows(1, MANY_ROWS)
      await store.append([batch(0, many.slice(0, MANY_ROWS - 1)), batch(0, rows(1, 3), 'other')])
      await store.append([batch(MANY_ROWS - 1, many.slice(MANY_ROWS - 1))])
      sameRows(await rowsOf(store), many, 'row by row')
      const paged = await pagedRowsOf(store)
      if (paged !== undefined) sameRows(paged, many, 'by pages')
      sameRows(await rowsOf(store, 'other'), rows(1, 3), 'the other realm')
    },
  },
  {
    name: 'rows that do not follow the head are refused, and nothing of them is kept',
    async run({ store }) {
      await refused(() => store.append([batch(0, [row(1)])]), 'store_corrupt', 'rows of a realm without a head')
      same(await store.load('acme'), undefined, 'the realm')
      await store.setHead('acme', HEAD)
      await store.append([batch(0, [row(1), row(2)])])
      for (const after of [0, 1, 3])
        await refused(() => store.append([batch(after, [row(4)])]), 'store_corrupt', `rows after ${after} of 2`)
      await refused(() => store.append([batch(2, [])]), 'store_corrupt', 'a batch without rows')
      same(await rowsOf(store), [row(1), row(2)], 'rows after the refusals')
      same(await headOf(store), headAt(2), 'the head after the refusals')
      await store.append([batch(2, [row(3)])])
      same(await rowsOf(store), [row(1), row(2), row(3)], 'rows after one that follows')
    },
  },
  {
    name: 'rows of several realms are written together or not at all',
    async run({ store }) {
      await store.setHead('acme', HEAD)
      await store.setHead('other', HEAD)
      const [good, wrong] = [batch(0, [row(1)]), batch(7, [row(8)], 'other')]
      for (const batches of [
        [good, wrong],
        [wrong, good],
      ])
        await refused(() => store.append(batches), 'store_corrupt', 'one of two that does not follow')
      for (const realm of ['acme', 'other']) {
        same(await rowsOf(store, realm), [], `rows of ${realm}`)
        same(await headOf(store, realm), HEAD, `the head of ${realm}`)
      }
      await store.append([good, batch(0, [row(1), row(2)], 'other')])
      same(await rowsOf(store), [row(1)], 'rows of acme')
      same(await rowsOf(store, 'other'), [row(1), row(2)], 'rows of other')
      same(await headOf(store, 'other'), headAt(2), 'the head of other')
    },
  },
  {
    name: 'audit entries are written with their rows or not at all',
    async run({ store }) {
      await store.setHead('acme', HEAD)
      const subject = 'subject-that-no-message-may-show'
      const message = await refused(
        () => store.append([batch(7, [row(8)])], [entry(1, { subject })]),
        'store_corrupt',
        'rows that do not follow',
      )
      holds(!message.includes(subject), 'the error has the subject of an entry in its message')
      same(await timesOf(store), [], 'entries of a transaction that failed')
      await store.append([batch(0, [row(1)])], [entry(2), entry(3)])
      same(await timesOf(store), [3, 2], 'entries of one that did not')
      same(await headOf(store), headAt(1), 'the head')
      await store.append([], [])
      same([await timesOf(store), await headOf(store)], [[3, 2], headAt(1)], 'after a transaction with nothing in it')
    },
  },
  {
    name: 'a new incarnation keeps the rows, and the next ones follow its head',
    async run({ store }) {
      await store.setHead('acme', HEAD)
      await store.append([batch(0, [row(1), row(2)])])
      const begun = { ...headAt(SEQUENCES_PER_INCARNATION), incarnation: 1 }
      await store.setHead('acme', begun)
      same(await rowsOf(store), [row(1), row(2)], 'rows')
      await refused(
        () => store.append([batch(2, [row(3)])]),
        'store_corrupt',
        'rows after the head of the old incarnation',
      )
      const next = SEQUENCES_PER_INCARNATION + 1
      await store.append([batch(SEQUENCES_PER_INCARNATION, [row(next)])])
      same(await rowsOf(store), [row(1), row(2), row(next)], 'rows of both')
      same(await headOf(store), { ...headAt(next), incarnation: 1 }, 'the head')
    },
  },
  {
    name: 'realms are distinguished by every byte of their names',
    async run({ store, reopened }) {
      for (const [index, realm] of NAMES.entries()) {
        await store.setHead(realm, { ...HEAD, issuer: realm })
        await store.append([batch(0, [row(index + 1)], realm)], [entry(index, { realm })])
      }
      await eachRealmIsItself(store)
      await eachRealmIsItself(await reopened())
    },
  },
  {
    name: 'pruning deletes expired rows, up to a limit, and no others',
    async run({ store }) {
      await store.setHead('acme', HEAD)
      await store.setHead('other', HEAD)
      await store.append(
        [batch(0, [row(1, 50), row(2), row(3, 51), row(4, 52), row(5, 10)]), batch(0, [row(1, 52), row(2)], 'other')],
        [entry(1)],
      )
      same(await store.prune(52, 0), 0, 'pruned when none may be')
      same(await store.prune(52, 2), 2, 'pruned when two may be')
      same(await store.prune(52, 10), 1, 'pruned of the rest')
      same(await store.prune(52, 10), 0, 'pruned when no row was left')
      same(await rowsOf(store), [row(2), row(4, 52)], 'rows that are left')
      same(await headOf(store), headAt(5), 'the head')
      same(await rowsOf(store, 'other'), [row(1, 52), row(2)], 'rows of the other realm')
      same(await timesOf(store), [1], 'audit entries')
      await store.append([batch(5, [row(6)])])
      same(await store.prune(53, 10), 2, 'pruned a second later, of both realms')
      same(await rowsOf(store), [row(2), row(6)], 'rows at the end')
    },
  },
  {
    name: 'a probe changes nothing',
    async run({ store }) {
      await store.setHead('acme', HEAD)
      await store.append([batch(0, [row(1, 50)])], [entry(1)])
      await store.probe()
      await store.probe()
      same(
        [await rowsOf(store), await headOf(store), await timesOf(store)],
        [[row(1, 50)], headAt(1), [1]],
        'after two probes',
      )
      same(await store.prune(51, 10), 1, 'rows pruned')
    },
  },
  {
    name: 'of simultaneous calls that follow the same head one succeeds',
    async run({ store }) {
      await store.setHead('acme', HEAD)
      const tries = Array.from({ length: CALLS_AT_ONCE }, (_, index) =>
        attempt(() => store.append([batch(0, [row(index + 1)])], [entry(index)])),
      )
      const taken = (await Promise.all(tries)).flatMap((won, index) => (won ? [index] : []))
      same(taken.length, 1, 'calls that succeeded')
      const [winner = 0] = taken
      same(await rowsOf(store), [row(winner + 1)], 'rows')
      same(await timesOf(store), [winner], 'audit entries')
    },
  },
  {
    name: 'simultaneous calls for different realms all succeed',
    async run({ store }) {
      const realms = Array.from({ length: CALLS_AT_ONCE }, (_, index) => `realm-${index}`)
      await Promise.all(realms.map(async (realm) => store.setHead(realm, HEAD)))
      await Promise.all(realms.map(async (realm, index) => store.append([batch(0, [row(index + 1)], realm)])))
      for (const [index, realm] of realms.entries())
        same(await rowsOf(store, realm), [row(index + 1)], `rows of ${realm}`)
    },
  },
  {
    name: 'a store has one owner, and closing releases it',
    async run({ store, reopened, other }) {
      await refused(() => store.open(), 'store_locked', 'opened a second time')
      await refusedElsewhere(await other())
      await store.setHead('acme', HEAD)
      const again = await reopened()
      same(await headOf(again), HEAD, 'the head, opened again')
      await refused(() => again.open(), 'store_locked', 'opened a second time by the next owner')
      await again.close()
      await again.close()
      await again.open()
      same(await headOf(again), HEAD, 'the head, opened after it was closed twice')
    },
  },
]

/** Compares up to the first difference of thousands of rows. */
function sameRows(actual: readonly StoredRow[] | undefined, expected: readonly StoredRow[], what: string): void {
  same(actual?.length, expected.length, `${what}: the number of rows`)
  actual?.forEach(({ sequence, payload, chain }, index) => {
    const { keepUntil: _, ...wanted } = expected[index] ?? row(0)
    same({ sequence, payload, chain }, wanted, `${what}: row ${index}`)
  })
}

async function eachRealmIsItself(store: RevocationStore): Promise<void> {
  for (const [index, realm] of NAMES.entries()) {
    same(await headOf(store, realm), { ...headAt(index + 1), issuer: realm }, `the head of realm ${index}`)
    same(await rowsOf(store, realm), [row(index + 1)], `rows of realm ${index}`)
    same(await timesOf(store, { realm }), [index], `audit entries of realm ${index}`)
  }
}

async function refusedElsewhere(other: RevocationStore | undefined): Promise<void> {
  if (other !== undefined) await refused(() => other.open(), 'store_locked', 'opened through another object')
}

/** Whether the call succeeded. */
async function attempt(work: () => unknown): Promise<boolean> {
  try {
    await work()
    return true
  } catch {
    return false
  }
}
