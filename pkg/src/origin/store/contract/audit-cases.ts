import { AUDIT_ACTIONS, type AuditEntry, type AuditQuery, type StoredAuditEntry } from '../audit-entry.ts'
import type { RevocationStore } from '../store.ts'
import { holds, same } from './assertions.ts'
import { batch, type Case, entriesOf, entry, HEAD, NAMES, row, timesOf } from './samples.ts'

const FULL: AuditEntry = {
  realm: 'acme',
  at: 1_800_000_000,
  action: 'user_logged_out',
  actor: "admin:o'hara",
  subject: 'f:8b:名前\u0000\n"',
  sequence: 2 ** 40 + 7,
  reason: 'left the company',
  address: '2001:db8::7',
  detail: 'x',
}

/** The audit log. */
export const AUDIT_CASES: readonly Case[] = [
  {
    name: 'an audit entry keeps every member, and no others',
    async run({ store, reopened }) {
      const bare = entry(1_800_000_001)
      await store.append([], [FULL, bare])
      await sameEntries(store, [bare, FULL])
      const again = await reopened()
      await sameEntries(again, [bare, FULL])
      same(await timesOf(again, { subject: FULL.subject ?? '' }), [FULL.at], 'found by its subject')
    },
  },
  {
    name: 'every action is kept and found',
    async run({ store }) {
      await store.append(
        [],
        AUDIT_ACTIONS.map((action, index) => entry(index, { action })),
      )
      for (const [index, action] of AUDIT_ACTIONS.entries()) same(await timesOf(store, { action }), [index], action)
    },
  },
  {
    name: 'audit entries are found by any set of filters, of one realm only',
    async run({ store }) {
      const actors = ['admin:a', 'admin:b', undefined]
      const subjects = ['alice', 'bob', undefined]
      const all = Array.from({ length: 90 }, (_, index) =>
        entry(100 + index, {
          realm: index % 10 === 9 ? 'other' : 'acme',
          action: index % 2 === 0 ? 'login' : 'logout',
          ...given({ actor: actors[index % 3], subject: subjects[Math.floor(index / 3) % 3] }),
        }),
      )
      await store.append([], all)
      const periods: readonly (readonly (number | undefined)[])[] = [
        [],
        [120],
        [undefined, 150],
        [120, 150],
        [150, 120],
      ]
      for (const action of ['login', 'logout', undefined] as const) {
        for (const actor of [...actors, 'nobody']) {
          for (const subject of [...subjects, 'nobody']) {
            for (const [from, to] of periods) {
              const query = given({ action, actor, subject, from, to })
              const expected = all.filter((each) => answers(each, query)).map(({ at }) => at)
              same(await timesOf(store, query), expected.reverse(), JSON.stringify(query))
            }
          }
        }
      }
    },
  },
  {
    name: 'subjects are distinguished by every byte',
    async run({ store }) {
      await store.append(
        [],
        NAMES.map((subject, index) => entry(index, { subject })),
      )
      for (const [index, subject] of NAMES.entries())
        same(await timesOf(store, { subject }), [index], `subject ${index}`)
    },
  },
  {
    name: 'pages of the audit log leave out and repeat nothing, newest first',
    async run({ store }) {
      // Several in the same second, and a clock that was set back in between.
      await store.append(
        [],
        Array.from({ length: 50 }, (_, index) => entry((index < 25 ? 200 : 190) + Math.floor(index / 10))),
      )
      const all = await entriesOf(store)
      same(all.length, 50, 'entries')
      same(
        all,
        [...all].sort((a, b) => b.at - a.at || b.id - a.id),
        'their order: by time, then by id',
      )
      const paged: StoredAuditEntry[] = []
      for (let page = await entriesOf(store, { limit: 7 }); page.length > 0; ) {
        holds(page.length <= 7, 'a page is longer than its limit')
        paged.push(...page)
        holds(paged.length <= all.length, 'pages go on beyond the log')
        page = await entriesOf(store, { limit: 7, before: page.at(-1)?.id ?? 0 })
      }
      same(paged, all, 'pages')
      same((await entriesOf(store, { before: Number.MAX_SAFE_INTEGER, limit: 1 }))[0], all[0], 'before a future one')
      same(await timesOf(store, { before: 0 }), [], 'before the first')
    },
  },
  {
    name: 'ids of audit entries increase, and none is used twice',
    async run({ store, reopened }) {
      const add = async (to: RevocationStore, at: number): Promise<number> => {
        await to.append([], [entry(at), entry(at)])
        const [second, first] = (await entriesOf(to, { from: at, to: at })).map(({ id }) => id)
        holds(
          second !== undefined && first !== undefined && Number.isSafeInteger(second) && second > first,
          'ids do not increase',
        )
        return second ?? 0
      }
      const before = await add(store, 10)
      const later = await add(store, 20)
      holds(later > before + 1, 'ids do not increase from call to call')
      same(await store.pruneAudit(1_000, 10), 4, 'pruned')
      const pruned = await add(store, 30)
      holds(pruned > later + 1, 'ids are used again after pruning')
      same(await store.pruneAudit(1_000, 10), 2, 'pruned')
      const again = await reopened()
      holds((await add(again, 40)) > pruned + 1, 'ids are used again after the store was reopened')
    },
  },
  {
    name: 'ids of audit entries differ when they are written at once',
    async run({ store }) {
      await Promise.all(Array.from({ length: 20 }, async (_, index) => store.append([], [entry(index), entry(index)])))
      const ids = (await entriesOf(store)).map(({ id }) => id)
      same([ids.length, new Set(ids).size], [40, 40], 'entries and ids')
    },
  },
  {
    name: 'the audit log is pruned separately, oldest first, up to a limit',
    async run({ store }) {
      await store.setHead('acme', HEAD)
      await store.append(
        [batch(0, [row(1, 10)])],
        [30, 10, 20, 40].map((at) => entry(at)),
      )
      await store.append([], [entry(15, { realm: 'other' })])
      const oldest = (await entriesOf(store)).at(-1)?.id ?? 0
      same(await store.prune(1_000, 10), 1, 'rows pruned')
      same(await timesOf(store), [40, 30, 20, 10], 'entries after rows were pruned')
      same(await store.pruneAudit(40, 0), 0, 'pruned when none may be')
      same(await store.pruneAudit(40, 2), 2, 'pruned when two may be')
      same(await timesOf(store), [40, 30, 20], 'entries of acme')
      same(await timesOf(store, { realm: 'other' }), [], 'entries of other')
      same(await timesOf(store, { before: oldest }), [], 'a page that begins at an entry that is gone')
      same(await store.pruneAudit(40, 10), 2, 'pruned of the rest')
      same(await store.pruneAudit(40, 10), 0, 'pruned when no line was left')
      same(await timesOf(store), [40], 'entries made at that time or later')
    },
  },
]

async function sameEntries(store: RevocationStore, expected: readonly AuditEntry[]): Promise<void> {
  const found = await entriesOf(store)
  same(
    found.map(({ id: _, ...rest }) => rest),
    expected,
    'entries',
  )
}

function answers(each: AuditEntry, { action, actor, subject, from, to }: Partial<AuditQuery>): boolean {
  return (
    each.realm === 'acme' &&
    (action === undefined || each.action === action) &&
    (actor === undefined || each.actor === actor) &&
    (subject === undefined || each.subject === subject) &&
    each.at >= (from ?? 0) &&
    each.at <= (to ?? 1_000)
  )
}

/** Returns the query without the members that are `undefined`. */
function given(query: { [Name in keyof AuditQuery]?: AuditQuery[Name] | undefined }): Partial<AuditQuery> {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined))
}
