// A store's files are readable only by their owner, under any umask.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createDevIssuer } from '../../../issuer/dev/index.ts'
import { createOrigin, generateFeedKey, type Origin } from '../../index.ts'
import { openDatabase, restoreSqlite, type SqliteDriver, sqliteStore } from './index.ts'
import { ABSENT, DRIVERS } from '../../testing/drivers.ts'
import { createTestIssuer } from '../../testing/stage.ts'

const noModes = process.platform === 'win32' && 'Windows has no such modes'
const everyDriver = ABSENT === undefined && 'every driver is installed'

let umask = 0
before(() => void (umask = process.umask(0)))
after(() => void process.umask(umask))

async function modesIn(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).sort()
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, ((await stat(join(folder, name))).mode & 0o777).toString(8)])),
  )
}

async function open(path: string, driver: SqliteDriver): Promise<Origin> {
  const { signingKey } = await generateFeedKey()
  const { realm } = await createTestIssuer()
  return createOrigin({ store: sqliteStore({ path, driver }), signingKey, realms: [realm], onReport: () => undefined })
}

for (const { driver, skip: missing } of DRIVERS) {
  const skip = noModes || missing
  test(`${driver}: a store, its log, its lock, its copies`, { skip }, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-mode-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    const path = join(folder, 'store.db')
    const store = sqliteStore({ path, driver })
    const { signingKey } = await generateFeedKey()
    const { realm } = await createTestIssuer()
    const origin = await createOrigin({ store, signingKey, realms: [realm] })
    await origin.logoutUser('acme', 'alice')
    await store.backup(join(folder, 'copy.db'))
    const modes = await modesIn(folder)
    for (const name of ['store.db', 'store.db-wal', 'store.db-shm', 'store.db.lock', 'copy.db'])
      assert.equal(modes[name], '600', name)
    assert.deepEqual([...new Set(Object.values(modes))], ['600'])
    await origin.close()

    // Also for a copy that was created in another way, and the old file is kept.
    await chmod(join(folder, 'copy.db'), 0o644)
    const { kept } = await restoreSqlite({ backup: join(folder, 'copy.db'), path, driver })
    assert.ok(kept)
    const { 'copy.db': copy, ...restored } = await modesIn(folder)
    assert.equal(copy, '644')
    assert.deepEqual([...new Set(Object.values(restored))], ['600'])
    const again = await open(path, driver)
    await again.logoutUser('acme', 'bob')
    assert.equal((await modesIn(folder))['store.db-wal'], '600')
    await again.close()
  })

  test(`${driver}: opens a file that others may read unchanged, with one warning`, { skip }, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-mode-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    const path = join(folder, 'wide.db')
    openDatabase(path, { driver }).close()
    await chmod(path, 0o640)
    const warned = once(process, 'warning') as Promise<[Error & { code?: string }]>
    openDatabase(path, { driver }).close()
    const [{ code, message }] = await warned
    assert.equal(code, 'PORTCULLIS_FILE_MODE')
    assert.match(message, /wide\.db .*640.*chmod 600/)
    assert.equal((await modesIn(folder))['wide.db'], '640')
    const more: unknown[] = []
    const listener = (warning: unknown): number => more.push(warning)
    process.on('warning', listener)
    t.after(() => process.off('warning', listener))
    openDatabase(path, { driver }).close()
    await new Promise(setImmediate)
    assert.deepEqual(more, [])
  })
}

test("the development issuer's file, which holds private keys", { skip: noModes }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-mode-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const issuer = await createDevIssuer({ path: join(folder, 'issuer.db'), issuer: 'https://issuer.test/realms/acme' })
  assert.deepEqual([...new Set(Object.values(await modesIn(folder)))], ['600'])
  issuer.close()
})

test('leaves no file behind that cannot be opened', { skip: noModes || everyDriver }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-mode-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  assert.throws(() => openDatabase(join(folder, 'none.db'), { driver: ABSENT as SqliteDriver }), {
    code: 'store_unavailable',
  })
  assert.deepEqual(await readdir(folder), [])
})
