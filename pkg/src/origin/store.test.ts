import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { memoryStore } from './memory.ts'
import { sqliteStore } from './sqlite.ts'
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
