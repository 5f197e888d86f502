import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openDatabase } from './database.ts'
import { restoreSqlite, sqliteStore, type SqliteStore } from './index.ts'
import type { StoredHead, StoredRow } from '../store.ts'

const HEAD: StoredHead = { issuer: 'https://issuer.test', incarnation: 0, sequence: 0, chain: new Uint8Array(16) }
const row = (sequence: number): StoredRow => ({
  sequence,
  payload: new Uint8Array(200).fill(sequence),
  chain: new Uint8Array(16),
})

let folder: string
before(async () => (folder = await mkdtemp(join(tmpdir(), 'portcullis-restore-'))))
after(() => rm(folder, { recursive: true, force: true }))

let count = 0
/** Returns new paths for a store and its backups. */
function place(): { path: string; backup: string } {
  count += 1
  return { path: join(folder, `${count}.db`), backup: join(folder, `${count}.backup`) }
}

async function opened(path: string, rows = 0): Promise<SqliteStore> {
  const store = sqliteStore({ path })
  await store.open()
  if (rows > 0) {
    await store.setHead('acme', HEAD)
    await store.append([{ realm: 'acme', after: 0, rows: Array.from({ length: rows }, (_, index) => row(index + 1)) }])
  }
  return store
}

async function sequences(path: string): Promise<number[]> {
  const store = await opened(path)
  const found: number[] = []
  for await (const { sequence } of (await store.load('acme'))?.rows ?? []) found.push(sequence)
  await store.close()
  return found
}

describe('backup', () => {
  test('contains everything up to then, is private, and leaves nothing beside it', async () => {
    const { path, backup } = place()
    const store = await opened(path, 3)
    await store.append([], [{ realm: 'acme', at: 1, action: 'login' }])
    await store.backup(backup)
    await store.append([{ realm: 'acme', after: 3, rows: [row(4)] }])
    await store.close()
    assert.equal((await stat(backup)).mode & 0o777, 0o600)
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.includes('.backup')),
      [`${count}.backup`],
    )
    assert.deepEqual(await sequences(backup), [1, 2, 3])
  })

  test('is consistent although the store and another connection write meanwhile', async () => {
    const { path, backup } = place()
    const store = await opened(path, 20_000)
    const other = openDatabase(path)
    other.exec('CREATE TABLE other (id INTEGER PRIMARY KEY, bytes BLOB)')
    let head = 20_000
    let done = false
    const copied = store.backup(backup).finally(() => (done = true))
    while (!done) {
      await store.append(
        [{ realm: 'acme', after: head, rows: [row(head + 1)] }],
        [{ realm: 'acme', at: head, action: 'login' }],
      )
      head += 1
      other.exec('INSERT INTO other VALUES (NULL, zeroblob(1000))')
      await new Promise((resolve) => setImmediate(resolve))
    }
    await copied
    other.close()
    assert.ok(head > 20_001, 'nothing was written meanwhile')
    await store.close()
    const copy = openDatabase(backup)
    assert.equal(copy.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok')
    const lines = copy.prepare('SELECT count(*) AS n FROM audit_entries').get()?.['n']
    copy.close()
    const held = await sequences(backup)
    assert.deepEqual(
      held,
      Array.from({ length: held.length }, (_, index) => index + 1),
    )
    assert.equal(lines, held.length - 20_000, 'rows and their audit lines are from different moments')
  })

  test('overwrites nothing', async () => {
    const { path, backup } = place()
    const store = await opened(path, 1)
    await writeFile(backup, 'dear')
    await assert.rejects(store.backup(backup), { code: 'invalid_option', message: /already exists/ })
    await assert.rejects(store.backup(path), { code: 'invalid_option', message: /already exists/ })
    assert.equal(await readFile(backup, 'utf8'), 'dear')
    await rm(backup)
    const both = await Promise.allSettled([store.backup(backup), store.backup(backup)])
    assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
    await store.close()
    assert.deepEqual(await sequences(backup), [1])
  })

  test('names the error', async () => {
    const { path, backup } = place()
    const store = await opened(path, 1)
    await assert.rejects(store.backup(''), { code: 'invalid_option' })
    await assert.rejects(store.backup(7 as never), { code: 'invalid_option' })
    await assert.rejects(store.backup(join(folder, 'missing', 'a.db')), {
      code: 'store_unavailable',
      message: /ENOENT/,
    })
    await store.close()
    await assert.rejects(store.backup(backup), { code: 'closed' })
    assert.equal(existsSync(backup), false)
  })
})

describe('restore', () => {
  test('begins a new incarnation in every realm, keeps the old file and notes it in the log', async () => {
    const { path, backup } = place()
    const store = await opened(path, 2)
    await store.setHead('other', { ...HEAD, incarnation: 3, sequence: 3 * 2 ** 40 })
    await store.backup(backup)
    await store.append([{ realm: 'acme', after: 2, rows: [row(3)] }])
    await store.setHead('late', { ...HEAD, incarnation: 5, sequence: 5 * 2 ** 40 + 1 })
    await store.close()
    const restored = await restoreSqlite({ backup, path })
    assert.equal(restored.incarnation, 6)
    assert.deepEqual(restored.realms, ['acme', 'other', 'late'])
    assert.match(restored.kept ?? '', new RegExp(`^${path}\\.replaced-\\d{8}T\\d{6}Z$`))
    assert.deepEqual(await sequences(restored.kept ?? ''), [1, 2, 3])
    assert.deepEqual(await sequences(path), [1, 2])
    const again = await opened(path)
    for (const [realm, sequence] of [
      ['acme', 2],
      ['other', 3 * 2 ** 40],
      ['late', 5 * 2 ** 40 + 1],
    ] as const) {
      const head = (await again.load(realm))?.head
      assert.deepEqual([head?.incarnation, head?.sequence, head?.issuer], [6, sequence, HEAD.issuer])
      const [entry, ...more] = await again.auditEntries({ realm, limit: 10 })
      assert.deepEqual(more, [])
      assert.deepEqual([entry?.action, entry?.actor, entry?.sequence], ['restored', 'application', 6 * 2 ** 40])
      assert.ok(Math.abs((entry?.at ?? 0) - Date.now() / 1000) < 60)
    }
    await again.close()
    // The backup is unchanged and may be used again; the file that it replaced is then an old one.
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.startsWith(`${count}.backup`)),
      [`${count}.backup`],
    )
    assert.equal((await restoreSqlite({ backup, path })).incarnation, 7)
  })

  test('restores a backup where the file is missing or damaged', async () => {
    const { path, backup } = place()
    const store = await opened(path, 2)
    await store.backup(backup)
    await store.close()
    const lost = place()
    assert.deepEqual(await restoreSqlite({ backup, path: lost.path }), {
      incarnation: 1,
      realms: ['acme'],
      kept: undefined,
    })
    await writeFile(path, 'this is not a database at all. '.repeat(100))
    await writeFile(`${path}-wal`, 'nor is this a log')
    const { kept = '', incarnation } = await restoreSqlite({ backup, path, incarnation: 4 })
    assert.equal(incarnation, 4)
    assert.match(await readFile(kept, 'utf8'), /not a database/)
    assert.match(await readFile(`${kept}-wal`, 'utf8'), /nor is this/)
    assert.deepEqual(await sequences(path), [1, 2])
    await assert.rejects(restoreSqlite({ backup, path, incarnation: 4 }), {
      code: 'invalid_option',
      message: /must be 5 or more/,
    })
  })

  test('is refused while another process has the file open', async () => {
    const { path, backup } = place()
    const store = await opened(path, 1)
    await store.backup(backup)
    await assert.rejects(restoreSqlite({ backup, path }), { code: 'store_locked' })
    await store.close()
    const reader = openDatabase(path)
    reader.prepare('SELECT count(*) FROM revocation_rows').get()
    await assert.rejects(restoreSqlite({ backup, path }), { code: 'store_locked', message: /another program/ })
    reader.close()
    assert.equal((await restoreSqlite({ backup, path })).incarnation, 1)
  })

  test('a file that is not a complete backup changes nothing', async () => {
    const { path, backup } = place()
    const store = await opened(path, 500)
    await store.backup(backup)
    await store.close()
    const bytes = await readFile(backup)
    const bad = join(folder, 'bad.backup')
    const refuses = async (code: string, message: RegExp): Promise<void> => {
      await assert.rejects(restoreSqlite({ backup: bad, path }), { code, message })
      assert.equal((await sequences(path)).length, 500)
      assert.deepEqual(
        (await readdir(folder)).filter((name) => /restoring|replaced/.test(name) && name.startsWith(`${count}.`)),
        [],
      )
    }
    await writeFile(bad, '')
    await refuses('store_corrupt', /bad\.backup is not a backup/)
    await writeFile(bad, 'not a database '.repeat(100))
    await refuses('store_corrupt', /bad\.backup is damaged/)
    await writeFile(bad, bytes.subarray(0, bytes.length / 2))
    await refuses('store_corrupt', /bad\.backup is damaged/)
    const damaged = Buffer.from(bytes)
    damaged.fill(0xa5, bytes.length - 8_192)
    await writeFile(bad, damaged)
    await refuses('store_corrupt', /bad\.backup is damaged/)
    await rm(bad)
    const stranger = openDatabase(bad)
    stranger.exec('CREATE TABLE somebodys (id INTEGER)')
    stranger.close()
    await refuses('store_corrupt', /bad\.backup is not a backup/)
    await copyFile(backup, bad)
    const newer = openDatabase(bad)
    newer.exec("UPDATE portcullis_schema SET version = 99 WHERE component = 'revocations'")
    newer.close()
    await refuses('store_newer', /bad\.backup.*upgrade/)
    await copyFile(backup, bad)
    await writeFile(`${bad}-wal`, '')
    await refuses('invalid_option', /has a -wal/)
    await rm(`${bad}-wal`)
  })

  test('names invalid options', async () => {
    const { path, backup } = place()
    for (const options of [
      undefined,
      {},
      { path },
      { backup },
      { path, backup, from: 1 },
      { path, backup, incarnation: 0 },
    ]) {
      await assert.rejects(restoreSqlite(options as never), { code: 'invalid_option' })
    }
    await assert.rejects(restoreSqlite({ path, backup }), { code: 'invalid_option', message: /does not exist/ })
    await assert.rejects(restoreSqlite({ path, backup: path }), { code: 'invalid_option', message: /different files/ })
    await writeFile(backup, '')
    await assert.rejects(restoreSqlite({ path: join(folder, 'missing', 'a.db'), backup }), {
      code: 'store_unavailable',
    })
  })

  test('brings a backup of an older schema up to date', async () => {
    const { path, backup } = place()
    const store = await opened(path, 2)
    await store.close()
    const database = openDatabase(path)
    database.exec(`DROP TABLE audit_entries; UPDATE portcullis_schema SET version = 1 WHERE component = 'revocations';
      DROP TABLE connector_states; DROP TABLE outbox_entries; DELETE FROM portcullis_schema WHERE component = 'connectors'`)
    await database.copyTo(backup)
    database.close()
    assert.equal((await restoreSqlite({ backup, path })).incarnation, 1)
    const again = await opened(path)
    assert.equal((await again.auditEntries({ realm: 'acme', limit: 10 })).length, 1)
    assert.equal(await again.writeState?.('acme', 'cursor', new Uint8Array(1), 0), 1)
    await again.close()
  })

  test('states and outbox of connectors come back with the backup, as they were then', async () => {
    const { path, backup } = place()
    const store = await opened(path, 1)
    const [first, second] = [Uint8Array.of(1), Uint8Array.of(2)]
    await store.append([{ realm: 'acme', after: 1, rows: [], outbox: [{ queue: 'keycloak', at: 7, payload: first }] }])
    await store.writeState?.('acme', 'cursor', first, 0)
    await store.backup(backup)
    await store.writeState?.('acme', 'cursor', second, 1)
    const [waiting] = (await store.outboxEntries?.({ realm: 'acme', queue: 'keycloak', limit: 10 })) ?? []
    await store.acknowledgeOutbox?.(waiting?.id ?? 0)
    await store.close()
    await restoreSqlite({ backup, path })
    const again = await opened(path)
    assert.deepEqual((await again.readState?.('acme', 'cursor'))?.version, 1)
    assert.deepEqual(await again.outboxEntries?.({ realm: 'acme', queue: 'keycloak', limit: 10 }), [waiting])
    await again.close()
  })
})
