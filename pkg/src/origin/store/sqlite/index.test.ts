import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openDatabase, type Statement } from './database.ts'
import { type SqliteDriver, sqliteStore } from './index.ts'
import { SqliteAudit } from './audit.ts'
import { SqliteOutbox } from './outbox.ts'
import { ABSENT } from '../../testing/drivers.ts'

const MODULE = fileURLToPath(new URL('index.ts', import.meta.url))
/** File modes do not bind root, so the test runs as the user `nobody`. */
const UNPRIVILEGED = process.getuid?.() === 0 ? 'process.setuid(65534)' : ''
const CHAIN = new Uint8Array(16)

let folder: string
before(async () => (folder = await mkdtemp(join(tmpdir(), 'portcullis-sqlite-'))))
after(() => rm(folder, { recursive: true, force: true }))

test('commits are synced: WAL mode and synchronous=FULL', () => {
  const database = openDatabase(join(folder, 'durable.db'))
  assert.equal(database.prepare('PRAGMA journal_mode').get()?.['journal_mode'], 'wal')
  assert.equal(database.prepare('PRAGMA synchronous').get()?.['synchronous'], 2)
  database.close()
})

test('refuses a path that means memory', () => {
  assert.throws(() => openDatabase(':memory:'), { code: 'invalid_option' })
  assert.throws(() => sqliteStore('revocations.db' as never), {
    code: 'invalid_option',
    message: /options must be an object/,
  })
  assert.throws(() => sqliteStore({ file: 'x' } as never), { code: 'invalid_option', message: /unknown option 'file'/ })
  assert.throws(() => openDatabase(''), { code: 'invalid_option' })
})

test('names invalid options', () => {
  for (const options of [
    undefined,
    {},
    { path: '' },
    { path: 7 },
    { file: 'a.db' },
    { path: 'a.db', driver: 'sqlite' },
  ]) {
    assert.throws(() => sqliteStore(options as never), {
      code: 'invalid_option',
      message: /options( must|\.path|\.driver| has an unknown)/,
    })
  }
})

test('names a missing directory', () => {
  assert.throws(() => sqliteStore({ path: join(folder, 'missing', 'a.db') }).open(), {
    code: 'store_unavailable',
    message: /missing.*create it/,
  })
})

test('refuses a second writer in another process, and a killed one leaves nothing behind', async () => {
  const path = join(folder, 'locked.db')
  const owner = run(
    `const store = sqliteStore({ path: ${JSON.stringify(path)} }); store.open(); console.log('open'); setInterval(() => store, 1000)`,
  )
  await once(owner.stdout as NodeJS.ReadableStream, 'data')
  assert.throws(() => sqliteStore({ path }).open(), { code: 'store_locked', message: /in use by another origin/ })
  owner.kill('SIGKILL')
  await once(owner, 'exit')
  const store = sqliteStore({ path })
  store.open()
  assert.throws(() => sqliteStore({ path }).open(), { code: 'store_locked' })
  store.close()
})

test('a process killed during transactions leaves only rows and audit lines of complete ones', async () => {
  const path = join(folder, 'killed.db')
  for (let kill = 0; kill < 5; kill += 1) {
    const writer = run(
      `const store = sqliteStore({ path: ${JSON.stringify(path)} })
       store.open()
       const chain = new Uint8Array(16)
       const head = { issuer: 'https://issuer.test', incarnation: 0, sequence: 0, chain }
       if (store.load('acme') === undefined) store.setHead('acme', head)
       for (;;) {
         const after = store.load('acme').head.sequence
         const payload = new Uint8Array(300)
         const rows = Array.from({ length: 50 }, (_, index) => ({ sequence: after + 1 + index, payload, chain }))
         const lines = rows.map(({ sequence }) => ({ realm: 'acme', at: 1, action: 'token_revoked', sequence }))
         store.append([{ realm: 'acme', after, rows }], lines)
         console.log('written')
       }`,
    )
    await once(writer.stdout as NodeJS.ReadableStream, 'data')
    writer.kill('SIGKILL')
    await once(writer, 'exit')
    const store = sqliteStore({ path })
    store.open()
    const found = await store.load('acme')
    const rows: number[] = []
    for await (const { sequence } of found?.rows ?? []) rows.push(sequence)
    const lines = await store.auditEntries({ realm: 'acme', limit: 1_000_000 })
    store.close()
    assert.ok(rows.length >= 50 * (kill + 1) && rows.length % 50 === 0, `${rows.length} rows`)
    assert.equal(found?.head.sequence, rows.length)
    assert.deepEqual(lines.map(({ sequence }) => sequence).reverse(), rows)
  }
})

test('names a directory that may not be written', async () => {
  const closed = await mkdtemp(join(tmpdir(), 'portcullis-closed-'))
  await chmod(closed, 0o555)
  const child = run(
    `${UNPRIVILEGED}
     try { sqliteStore({ path: ${JSON.stringify(join(closed, 'a.db'))} }).open(); console.log('opened') } catch (error) { console.log(error.code, error.message) }`,
  )
  assert.match(await outputOf(child), /^store_unavailable .*write access/)
  await rm(closed, { recursive: true })
})

test('names a read-only file', async () => {
  const shared = await mkdtemp(join(tmpdir(), 'portcullis-shared-'))
  const path = join(shared, 'a.db')
  const store = sqliteStore({ path })
  store.open()
  store.close()
  await chmod(shared, 0o777)
  await chmod(path, 0o444)
  await rm(`${path}.lock`)
  const child = run(
    `${UNPRIVILEGED}
     try { const store = sqliteStore({ path: ${JSON.stringify(path)} }); store.open(); store.setHead('acme', { issuer: 'i', incarnation: 0, sequence: 0, chain: new Uint8Array(16) }); console.log('written') } catch (error) { console.log(error.code, error.message) }`,
  )
  assert.match(await outputOf(child), /^store_unavailable .*write access/)
  await rm(shared, { recursive: true })
})

test('names a file that is not a database', async () => {
  const path = join(folder, 'text.db')
  await writeFile(path, 'this is not a database at all. '.repeat(100))
  assert.throws(() => sqliteStore({ path }).open(), { code: 'store_corrupt', message: /restore a backup/ })
})

test('names a file with a damaged page', async () => {
  const path = join(folder, 'damaged.db')
  const store = sqliteStore({ path })
  store.open()
  await store.setHead('acme', { issuer: 'https://issuer.test', incarnation: 0, sequence: 0, chain: CHAIN })
  const rows = Array.from({ length: 500 }, (_, index) => ({
    sequence: index + 1,
    payload: new Uint8Array(200),
    chain: CHAIN,
  }))
  await store.append([{ realm: 'acme', after: 0, rows }])
  store.close()
  const file = await open(path, 'r+')
  const { size } = await file.stat()
  await file.write(new Uint8Array(size - 8_192).fill(0xa5), 0, size - 8_192, 8_192)
  await file.close()
  const again = sqliteStore({ path })
  await assert.rejects(
    async () => {
      again.open()
      const found = await again.load('acme')
      for await (const row of found?.rows ?? []) void row
    },
    { code: 'store_corrupt' },
  )
  again.close()
})

test('a newer schema is refused, also by the development issuer', async () => {
  const path = join(folder, 'newer.db')
  const store = sqliteStore({ path })
  store.open()
  store.close()
  const database = openDatabase(path)
  database.exec("UPDATE portcullis_schema SET version = 99 WHERE component = 'revocations'")
  database.close()
  assert.throws(() => sqliteStore({ path }).open(), { code: 'store_newer', message: /version 99.*upgrade/ })
})

test("also refuses a newer schema of the connectors' tables", async () => {
  const path = join(folder, 'newer-connectors.db')
  const store = sqliteStore({ path })
  store.open()
  store.close()
  const database = openDatabase(path)
  database.exec("UPDATE portcullis_schema SET version = 99 WHERE component = 'connectors'")
  database.close()
  assert.throws(() => sqliteStore({ path }).open(), {
    code: 'store_newer',
    message: /connectors have version 99.*upgrade/,
  })
})

test('brings a file of the first schema up to date, with all its contents', async () => {
  const path = join(folder, 'first.db')
  const first = openDatabase(path)
  first.exec(`
    CREATE TABLE portcullis_schema (component TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT;
    INSERT INTO portcullis_schema VALUES ('revocations', 1);
    CREATE TABLE revocation_heads (
      realm TEXT PRIMARY KEY, issuer TEXT NOT NULL, incarnation INTEGER NOT NULL, sequence INTEGER NOT NULL,
      chain BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE revocation_rows (
      realm TEXT NOT NULL, sequence INTEGER NOT NULL, keep_until INTEGER, payload BLOB NOT NULL, chain BLOB NOT NULL,
      PRIMARY KEY (realm, sequence)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX revocation_rows_keep_until ON revocation_rows (keep_until) WHERE keep_until IS NOT NULL;
    INSERT INTO revocation_heads VALUES ('acme', 'https://issuer.test', 0, 2, zeroblob(16));
    INSERT INTO revocation_rows VALUES ('acme', 1, 50, x'01', zeroblob(16)), ('acme', 2, NULL, x'02', zeroblob(16));`)
  first.close()
  const store = sqliteStore({ path })
  await store.open()
  const found = await store.load('acme')
  assert.equal(found?.head.sequence, 2)
  const rows = []
  for await (const { sequence, keepUntil, payload } of found?.rows ?? []) rows.push([sequence, keepUntil, [...payload]])
  assert.deepEqual(rows, [
    [1, 50, [1]],
    [2, undefined, [2]],
  ])
  const entry = { realm: 'acme', at: 7, action: 'login' } as const
  const third = { sequence: 3, payload: new Uint8Array(1), chain: CHAIN }
  await store.append([{ realm: 'acme', after: 2, rows: [third] }], [entry])
  assert.deepEqual(await store.auditEntries({ realm: 'acme', limit: 10 }), [{ id: 1, ...entry }])
  assert.equal(await store.writeState?.('acme', 'cursor', CHAIN, 0), 1)
  await store.append([{ realm: 'acme', after: 3, rows: [], outbox: [{ queue: 'keycloak', at: 7, payload: CHAIN }] }])
  assert.equal((await store.outboxEntries?.({ realm: 'acme', queue: 'keycloak', limit: 10 }))?.length, 1)
  await store.close()
  // Every migration step has run once.
  await store.open()
  await store.close()
})

test('each kind of query of the audit log reads its lines in order, from an index', () => {
  const path = join(folder, 'plan.db')
  const store = sqliteStore({ path })
  store.open()
  store.close()
  const database = openDatabase(path)
  const seen: string[] = []
  const audit = new SqliteAudit({
    ...database,
    prepare(sql: string) {
      if (sql.includes('FROM audit_entries INDEXED BY') || sql.startsWith('DELETE')) seen.push(sql)
      return database.prepare(sql)
    },
  })
  const all = { action: 'login', actor: 'a', subject: 'b' } as const
  for (const filter of [{}, { action: all.action }, { actor: all.actor }, { subject: all.subject }, all]) {
    audit.entries({ realm: 'acme', limit: 1, ...filter })
  }
  assert.equal(seen.length, 6)
  for (const sql of seen) {
    const parameters = Array.from(sql.matchAll(/\?/g), () => 0)
    const plan = database
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all(...parameters)
      .map((step) => String(step['detail']))
    assert.ok(
      plan.every((step) => !/SCAN|TEMP B-TREE FOR ORDER/.test(step)),
      `${sql}: ${plan.join('; ')}`,
    )
  }
  database.close()
})

test('the outbox is read in order, from an index', () => {
  const path = join(folder, 'outbox-plan.db')
  const store = sqliteStore({ path })
  store.open()
  store.close()
  const database = openDatabase(path)
  let query = ''
  const prepare = (sql: string): Statement => database.prepare(sql.startsWith('SELECT') ? (query = sql) : sql)
  new SqliteOutbox({ ...database, prepare }).entries({ realm: 'acme', queue: 'keycloak', dueAt: 7, limit: 1 })
  const plan = database
    .prepare(`EXPLAIN QUERY PLAN ${query}`)
    .all('acme', 'keycloak', 0, 7, 1)
    .map((step) => String(step['detail']))
  assert.ok(plan.length > 0 && plan.every((step) => !/SCAN|TEMP B-TREE FOR ORDER/.test(step)), plan.join('; '))
  database.close()
})

test('a full disk fails the transaction and nothing else', async () => {
  const path = join(folder, 'full.db')
  const database = openDatabase(path)
  database.exec('CREATE TABLE filler (bytes BLOB); PRAGMA max_page_count = 20')
  assert.throws(
    () => database.transaction(() => database.prepare('INSERT INTO filler VALUES (zeroblob(1000000))').run()),
    {
      code: 'store_unavailable',
      detail: 'SQLITE_FULL',
      message: /free space/,
    },
  )
  database.transaction(() => database.prepare('INSERT INTO filler VALUES (zeroblob(10))').run())
  assert.equal(database.prepare('SELECT count(*) AS n FROM filler').get()?.['n'], 1)
  database.close()
})

test('names a missing driver', { skip: ABSENT === undefined && 'every driver is installed' }, () => {
  assert.throws(() => openDatabase(join(folder, 'driver.db'), { driver: ABSENT as SqliteDriver }), {
    code: 'store_unavailable',
    message: /better-sqlite3/,
  })
})

/** Runs code that uses `sqliteStore` in its own process. */
function run(code: string): ChildProcess {
  const script = `const { sqliteStore } = await import(${JSON.stringify(MODULE)})\n${code}`
  return spawn(process.execPath, ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

async function outputOf(child: ChildProcess): Promise<string> {
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await once(child, 'close')
  return output
}
