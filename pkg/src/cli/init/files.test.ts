// A folder with a configuration: nothing in it is overwritten, and secrets are readable by their owner only.

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ConfigurationFolder } from './files.ts'

const root = mkdtempSync(join(tmpdir(), 'portcullis-init-'))
after(() => rmSync(root, { recursive: true, force: true }))

const WANTED = {
  store: { path: 'portcullis.db' },
  realms: [{ name: 'acme', audience: 'api' }],
  connectors: [{ kind: 'keycloak', serviceAccount: { clientId: 'reader', clientSecret: { file: 'reader.secret' } } }],
}

test('a secret is readable by its owner only, and a different existing one is kept and reported', () => {
  const folder = new ConfigurationFolder(join(root, 'secrets'), false)
  assert.equal(folder.secret('a.secret', 'first').outcome, 'written')
  assert.equal(statSync(folder.path('a.secret')).mode & 0o777, 0o600)
  assert.deepEqual(folder.secret('a.secret', 'first'), { path: folder.path('a.secret'), outcome: 'kept' })
  const { outcome, note } = folder.secret('a.secret', 'second')
  assert.equal(outcome, 'kept')
  assert.match(note ?? '', /secret differs/)
  assert.equal(readFileSync(folder.path('a.secret'), 'utf8'), 'first\n')
})

test("the feed's key is created once", async () => {
  const folder = new ConfigurationFolder(join(root, 'keys'), false)
  assert.deepEqual(
    (await folder.feedKey()).map(({ outcome }) => outcome),
    ['written', 'written'],
  )
  assert.equal(statSync(folder.path('feed-key.json')).mode & 0o777, 0o600)
  const key = readFileSync(folder.path('feed-key.json'), 'utf8')
  assert.deepEqual(
    (await folder.feedKey()).map(({ outcome }) => outcome),
    ['kept'],
  )
  assert.equal(readFileSync(folder.path('feed-key.json'), 'utf8'), key)
})

test('an existing configuration is kept, and its note lists the missing parts', () => {
  const folder = new ConfigurationFolder(join(root, 'configurations'), false)
  assert.equal(folder.configuration(WANTED).outcome, 'written')
  assert.deepEqual(folder.configuration(WANTED), { path: folder.path('portcullis.json'), outcome: 'kept' })
  const own = {
    ...WANTED,
    store: { path: '/elsewhere.db' },
    realms: [{ name: 'other' }, { name: 'acme', audience: 'api', maxLifetimeSeconds: 300 }],
    connectors: [{ kind: 'keycloak', serviceAccount: { clientId: 'reader', clientSecret: { env: 'READER' } } }],
  }
  writeFileSync(folder.path('portcullis.json'), JSON.stringify(own))
  assert.equal(folder.configuration(WANTED).note, undefined)
  writeFileSync(folder.path('portcullis.json'), JSON.stringify({ ...own, connectors: [] }))
  const { outcome, note } = folder.configuration(WANTED)
  assert.equal(outcome, 'kept')
  assert.match(note ?? '', /^it lacks \{\n {2}"connectors"/)
  assert.doesNotMatch(note ?? '', /realms/)
})

test('a trial writes nothing', async () => {
  const path = join(root, 'trial')
  const folder = new ConfigurationFolder(path, true)
  const planned = [...(await folder.feedKey()), folder.secret('a.secret', 'x'), folder.configuration(WANTED)]
  assert.deepEqual(new Set(planned.map(({ outcome }) => outcome)), new Set(['planned']))
  assert.ok(!existsSync(path))
})
