import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { AuditEntry, AuditQuery } from './audit-entry.ts'
import { memoryStore } from './memory.ts'
import { sqliteStore } from './sqlite/index.ts'
import type { RevocationStore, StoredHead, StoredRow } from './store.ts'

const HEAD: StoredHead = { issuer: 'https://issuer.test', incarnation: 0, sequence: 0, chain: new Uint8Array(16) }

function row(sequence: number, keepUntil?: number): StoredRow {
  const bytes = { payload: new Uint8Array([sequence, 0, 255]), chain: new Uint8Array(16).fill(sequence) }
  return keepUntil === undefined ? { sequence, ...bytes } : { sequence, keepUntil, ...bytes }
}

async function contents(store: RevocationStore, realm: string): Promise<{ head: StoredHead; rows: StoredRow[] } | undefined> {
  const found = await store.load(realm)
  if (found === undefined) return undefined
  const rows: StoredRow[] = []
  for await (const each of found.rows) rows.push({ ...each, payload: new Uint8Array(each.payload), chain: new Uint8Array(each.chain) })
  return { head: { ...found.head, chain: new Uint8Array(found.head.chain) }, rows }
}

function line(at: number, more: Partial<AuditEntry> = {}): AuditEntry {
  return { realm: 'acme', at, action: 'login', ...more }
}

/** The times of the lines that a query finds. */
async function times(store: RevocationStore, query: Partial<AuditQuery> = {}): Promise<number[]> {
  return (await store.auditEntries({ realm: 'acme', limit: 100, ...query })).map(({ at }) => at)
}

const KINDS: { name: string; open: (folder: string) => RevocationStore }[] = [
  { name: 'sqlite', open: (folder) => sqliteStore({ path: join(folder, 'store.db') }) },
  { name: 'memory', open: () => memoryStore() },
]

for (const { name, open } of KINDS) {
  describe(`${name} store`, () => {
    const each = (title: string, run: (store: RevocationStore) => Promise<void>): void =>
      void test(title, async () => {
        const folder = await mkdtemp(join(tmpdir(), 'portcullis-store-'))
        const store = open(folder)
        try {
          await store.open()
          await run(store)
        } finally {
          await store.close()
          await rm(folder, { recursive: true })
        }
      })

    each('knows nothing of a new realm', async (store) => {
      assert.equal(await contents(store, 'acme'), undefined)
    })

    each('gives back rows in order, and the head they led to, also after it was closed', async (store) => {
      await store.setHead('acme', HEAD)
      await store.append([{ realm: 'acme', after: 0, rows: [row(1, 50), row(2)] }])
      await store.append([{ realm: 'acme', after: 2, rows: [row(3, 70)] }])
      const expected = { head: { ...HEAD, sequence: 3, chain: new Uint8Array(16).fill(3) }, rows: [row(1, 50), row(2), row(3, 70)] }
      assert.deepEqual(await contents(store, 'acme'), expected)
      await store.close()
      await store.open()
      assert.deepEqual(await contents(store, 'acme'), expected)
    })

    each('writes the rows of several realms or none', async (store) => {
      await store.setHead('acme', HEAD)
      await store.setHead('other', HEAD)
      await assert.rejects(
        async () =>
          store.append([
            { realm: 'acme', after: 0, rows: [row(1)] },
            { realm: 'other', after: 7, rows: [row(8)] },
          ]),
        { code: 'store_corrupt' },
      )
      assert.deepEqual((await contents(store, 'acme'))?.rows, [])
      assert.equal((await contents(store, 'acme'))?.head.sequence, 0)
      await store.append([
        { realm: 'acme', after: 0, rows: [row(1)] },
        { realm: 'other', after: 0, rows: [row(1)] },
      ])
      assert.deepEqual((await contents(store, 'other'))?.rows, [row(1)])
    })

    each('refuses rows that do not follow its head, and rows of a realm that has none', async (store) => {
      await assert.rejects(async () => store.append([{ realm: 'acme', after: 0, rows: [row(1)] }]), { code: 'store_corrupt' })
      await store.setHead('acme', HEAD)
      await store.append([{ realm: 'acme', after: 0, rows: [row(1)] }])
      await assert.rejects(async () => store.append([{ realm: 'acme', after: 0, rows: [row(1)] }]), { code: 'store_corrupt' })
      await store.append([{ realm: 'acme', after: 1, rows: [row(2)] }])
    })

    each('prunes what has expired, so many at a time, and keeps the head', async (store) => {
      await store.setHead('acme', HEAD)
      await store.append([{ realm: 'acme', after: 0, rows: [row(1, 50), row(2), row(3, 51), row(4, 52)] }])
      await store.probe()
      assert.equal(await store.prune(52, 1), 1)
      assert.equal(await store.prune(52, 10), 1)
      assert.equal(await store.prune(52, 10), 0)
      const left = await contents(store, 'acme')
      assert.deepEqual(left?.rows, [row(2), row(4, 52)])
      assert.equal(left?.head.sequence, 4)
    })

    each('keeps every member of a line of the audit log, and no others, also after it was closed', async (store) => {
      const full: AuditEntry = {
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
      await store.append([], [full, line(1_800_000_001)])
      const expected = [
        { id: 2, ...line(1_800_000_001) },
        { id: 1, ...full },
      ]
      assert.deepEqual(await store.auditEntries({ realm: 'acme', limit: 10 }), expected)
      await store.close()
      await store.open()
      assert.deepEqual(await store.auditEntries({ realm: 'acme', limit: 10 }), expected)
      assert.deepEqual(await times(store, { subject: full.subject ?? '' }), [full.at])
    })

    each('finds lines by any set of filters, of one realm only', async (store) => {
      const actors = ['admin:a', 'admin:b', undefined]
      const subjects = ['alice', 'bob', undefined]
      const lines = Array.from({ length: 90 }, (_, index) => {
        const [actor, subject] = [actors[index % 3], subjects[Math.floor(index / 3) % 3]]
        return line(100 + index, {
          realm: index % 10 === 9 ? 'other' : 'acme',
          action: index % 2 === 0 ? 'login' : 'logout',
          ...(actor === undefined ? {} : { actor }),
          ...(subject === undefined ? {} : { subject }),
        })
      })
      await store.append([], lines)
      const periods = [[], [120], [undefined, 150], [120, 150], [150, 120]]
      for (const action of ['login', 'logout', undefined] as const) {
        for (const actor of [...actors, 'nobody']) {
          for (const subject of [...subjects, 'nobody']) {
            for (const [from, to] of periods) {
              const query: Partial<AuditQuery> = Object.fromEntries(
                Object.entries({ action, actor, subject, from, to }).filter(([, value]) => value !== undefined),
              )
              const expected = lines.filter(
                (each) =>
                  each.realm === 'acme' &&
                  (action === undefined || each.action === action) &&
                  (actor === undefined || each.actor === actor) &&
                  (subject === undefined || each.subject === subject) &&
                  each.at >= (from ?? 0) &&
                  each.at <= (to ?? 1_000),
              )
              assert.deepEqual(await times(store, query), expected.map(({ at }) => at).reverse(), JSON.stringify(query))
            }
          }
        }
      }
    })

    each('pages through the audit log without leaving out or repeating a line', async (store) => {
      // Many in the same second, and a clock that was set back in between.
      const lines = Array.from({ length: 50 }, (_, index) => line((index < 25 ? 200 : 190) + Math.floor(index / 10)))
      await store.append([], lines)
      const all = await store.auditEntries({ realm: 'acme', limit: 100 })
      assert.equal(all.length, 50)
      const sorted = [...all].sort((a, b) => b.at - a.at || b.id - a.id)
      assert.deepEqual(all, sorted)
      const paged = []
      let before: number | undefined
      for (;;) {
        const page = await store.auditEntries({ realm: 'acme', limit: 7, ...(before === undefined ? {} : { before }) })
        paged.push(...page)
        before = page.at(-1)?.id
        if (page.length < 7) break
      }
      assert.deepEqual(paged, all)
      assert.deepEqual(await times(store, { before: Number.MAX_SAFE_INTEGER, limit: 1 }), [sorted[0]?.at])
      assert.deepEqual(await times(store, { before: 0 }), [])
    })

    each('writes lines of the audit log with the rows or not at all', async (store) => {
      await store.setHead('acme', HEAD)
      const wrong = [{ realm: 'acme', after: 7, rows: [row(8)] }]
      await assert.rejects(async () => store.append(wrong, [line(1)]), { code: 'store_corrupt' })
      assert.deepEqual(await times(store), [])
      await store.append([{ realm: 'acme', after: 0, rows: [row(1)] }], [line(2), line(3)])
      assert.deepEqual(await times(store), [3, 2])
      assert.equal((await contents(store, 'acme'))?.head.sequence, 1)
    })

    each('prunes the audit log by itself, oldest first, so many at a time', async (store) => {
      await store.setHead('acme', HEAD)
      await store.append([{ realm: 'acme', after: 0, rows: [row(1, 10)] }], [30, 10, 20, 40].map((at) => line(at)))
      await store.append([], [line(15, { realm: 'other' })])
      assert.equal(await store.prune(1_000, 10), 1)
      assert.deepEqual(await times(store), [40, 30, 20, 10])
      assert.equal(await store.pruneAudit(40, 2), 2)
      assert.deepEqual(await times(store), [40, 30, 20])
      assert.deepEqual(await times(store, { realm: 'other' }), [])
      // A page that begins at a line that is gone meanwhile: so is everything older.
      assert.deepEqual(await times(store, { before: 2 }), [])
      assert.equal(await store.pruneAudit(40, 10), 2)
      assert.equal(await store.pruneAudit(40, 10), 0)
      assert.deepEqual(await times(store), [40])
      // Ids are not used again.
      assert.equal(await store.pruneAudit(1_000, 10), 1)
      await store.append([], [line(50)])
      assert.deepEqual((await store.auditEntries({ realm: 'acme', limit: 1 })).map(({ id }) => id), [6])
    })

    each('has one owner', async (store) => {
      await assert.rejects(async () => store.open(), { code: 'store_locked' })
      await store.close()
      await store.open()
    })
  })
}

test('a long ledger is read page by page', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-store-'))
  const store = sqliteStore({ path: join(folder, 'store.db') })
  await store.open()
  await store.setHead('acme', HEAD)
  const rows = Array.from({ length: 10_000 }, (_, index) => row(index + 1))
  await store.append([{ realm: 'acme', after: 0, rows }])
  assert.equal((await contents(store, 'acme'))?.rows.length, 10_000)
  await store.close()
  await rm(folder, { recursive: true })
})

test('a store in memory forgets the oldest lines when there are too many', async () => {
  const store = memoryStore()
  await store.open()
  await store.append([], Array.from({ length: 100_001 }, (_, index) => line(index)))
  assert.deepEqual(await times(store, { to: 1 }), [1])
  await store.close()
})
