import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openDatabase } from './database.ts'
import { PageMaker, PagedRows, type RowPage } from '../row-pages.ts'
import { sqliteStore } from './index.ts'
import { DRIVERS } from '../../testing/drivers.ts'
import type { StoredRow } from '../store.ts'

const HEAD = { issuer: 'https://issuer.test', incarnation: 0, sequence: 0, chain: new Uint8Array(16) }

let folder: string
before(async () => (folder = await mkdtemp(join(tmpdir(), 'portcullis-rows-'))))
after(() => rm(folder, { recursive: true, force: true }))

/** Returns a row that is identified by every byte; payloads contain bytes that are not valid UTF-8. */
function row(sequence: number, length = sequence % 70): StoredRow {
  const payload = Uint8Array.from({ length }, (_, at) => (sequence * 31 + at * 7) & 0xff)
  if (length > 2) payload.set([0, 0xff, 0xc3])
  return { sequence, payload, chain: Uint8Array.from({ length: 16 }, (_, at) => (sequence + at) & 0xff) }
}

/** Returns rows read from pages, as the core does. */
function rowsOf(pages: Iterable<RowPage>): StoredRow[] {
  const rows: StoredRow[] = []
  for (const { sequences, lengths, contents } of pages) {
    let at = 0
    sequences.forEach((sequence, index) => {
      const [begin, end] = [at + 16, at + 16 + (lengths[index] ?? 0)]
      rows.push({
        sequence,
        payload: new Uint8Array(contents.subarray(begin, end)),
        chain: new Uint8Array(contents.subarray(at, begin)),
      })
      at = end
    })
    assert.equal(at, contents.length)
  }
  return rows
}

function pagesOf(rows: unknown): Iterable<RowPage> {
  assert.ok(rows instanceof PagedRows)
  return rows.pages()
}

for (const { driver, skip } of DRIVERS) {
  test(`${driver}: pages contain the rows`, { skip }, async () => {
    const store = sqliteStore({ path: join(folder, `${driver.replace(':', '-')}.db`), driver })
    await store.open()
    await store.setHead('acme', HEAD)
    await store.setHead('other', HEAD)
    assert.deepEqual(rowsOf(pagesOf((await store.load('acme'))?.rows)), [])
    // More than two pages, with gaps, empty rows, rows too long to be read by columns, and sequences of 2^52.
    const high = 4_096 * 2 ** 40
    const sequences = Array.from({ length: 9_000 }, (_, index) => index + 1 + Math.floor(index / 1_000) * 50)
    const rows = [
      ...sequences.map((sequence) => row(sequence, sequence === 5_000 ? 1_500 : undefined)),
      row(high + 1, 40),
    ]
    await store.append([{ realm: 'acme', after: 0, rows }])
    await store.append([{ realm: 'other', after: 0, rows: [row(1)] }])
    const found = await store.load('acme')
    assert.deepEqual(rowsOf(pagesOf(found?.rows)), rows)
    const read: StoredRow[] = []
    for await (const { sequence, payload, chain } of found?.rows ?? []) {
      read.push({ sequence, payload: new Uint8Array(payload), chain: new Uint8Array(chain) })
    }
    assert.deepEqual(read, rows)
    await store.close()
  })

  test(`${driver}: names an invalid value`, { skip }, async () => {
    for (const [change, message] of [
      ["chain = x'00'", /row 2: its chain hash/],
      ["chain = 'sixteen letters.'", /column chain/],
      ["payload = 'a string'", /column payload/],
    ] as const) {
      const path = join(folder, `wrong-${driver.replace(':', '-')}-${change.length}.db`)
      const store = sqliteStore({ path, driver })
      await store.open()
      await store.setHead('acme', HEAD)
      await store.append([{ realm: 'acme', after: 0, rows: [row(1), row(2), row(3)] }])
      await store.close()
      const database = openDatabase(path, { driver })
      // A damaged file may hold values that its table does not allow.
      database.exec(`CREATE TABLE other AS SELECT * FROM revocation_rows;
        DROP TABLE revocation_rows; ALTER TABLE other RENAME TO revocation_rows;
        UPDATE revocation_rows SET ${change} WHERE sequence = 2;`)
      database.close()
      await store.open()
      const rows = (await store.load('acme'))?.rows
      assert.throws(() => rowsOf(pagesOf(rows)), { code: 'store_corrupt', message })
      await store.close()
    }
  })
}

test('assembles rows into pages, in order', () => {
  const maker = new PageMaker()
  const rows = Array.from({ length: 10_000 }, (_, index) => row(index + 1))
  const pages: RowPage[] = []
  for (const each of rows) {
    maker.add(each)
    if (maker.isFull) pages.push(maker.take())
  }
  pages.push(maker.take())
  assert.equal(pages.length, 3)
  assert.deepEqual(rowsOf(pages), rows)
  assert.deepEqual(rowsOf([maker.take()]), [])
  maker.add(row(1, 1_048_576))
  assert.ok(maker.isFull)
  assert.throws(() => maker.add({ ...row(2), chain: new Uint8Array(15) }), { code: 'store_corrupt', message: /row 2/ })
})
