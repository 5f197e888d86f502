// The contents of the packed package: files, exports, types, the command, and the store on its driver.

import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { buildDriver, NODE, Packed, PKG, run } from './project.ts'

const require = createRequire(import.meta.url)

let packed: Packed

before(async () => {
  packed = await Packed.make()
})

after(() => packed.close())

test('the tarball contains the needed files and nothing else', async () => {
  const { stdout } = await run('tar', ['-tzf', packed.tarball])
  const files = stdout.trim().split('\n')
  assert.ok(files.includes('package/dist/entry/edge/workerd.js'))
  assert.ok(files.includes('package/wasm/edge/core_bg.wasm'))
  assert.ok(files.includes('package/wasm/edge-slim/core_bg.wasm'))
  for (const module of ['edge', 'edge-slim', 'origin'])
    assert.ok(files.includes(`package/wasm/${module}/embedded.js`), module)
  assert.ok(files.includes('package/README.md'))
  assert.deepEqual(
    files.filter((file) => /\.test\.|\/src\/|node_modules/.test(file)),
    [],
  )
})

test('publint finds nothing', async () => {
  const { publint } = await import('publint')
  const { messages } = await publint({ pkgDir: PKG, strict: true })
  assert.deepEqual(messages, [])
})

test('are-the-types-wrong finds nothing', async () => {
  const attw = join(dirname(require.resolve('@arethetypeswrong/cli/package.json')), 'dist/index.js')
  // Covers both module systems and the old resolution without `exports`. The wasm modules have no types.
  await run(process.execPath, [
    attw,
    packed.tarball,
    '--profile',
    'strict',
    '--exclude-entrypoints',
    'edge.wasm',
    'edge-slim.wasm',
  ])
})

test('the store passes its tests on better-sqlite3', { timeout: 600_000 }, async () => {
  await buildDriver()
  const store = join(PKG, 'src/origin/store/sqlite')
  const tests = (await readdir(store)).filter((file) => file.endsWith('.test.ts')).map((file) => join(store, file))
  const { stdout } = await run(NODE, ['--import', 'tsx', '--test', '--test-reporter=tap', ...tests], {
    cwd: PKG,
    env: withoutRunner(),
  })
  assert.match(stdout, /^ *ok \d+ - better-sqlite3: /m)
  assert.doesNotMatch(stdout, /better-sqlite3: .*# SKIP/)
})

test('a fresh Node project has the command', { timeout: 120_000 }, async () => {
  const project = await packed.freshProject('command')
  const portcullis = (...words: string[]): Promise<{ stdout: string }> =>
    run('npx', ['--no', 'portcullis', ...words], { cwd: project })
  assert.match((await portcullis('--version')).stdout, /^\d+\.\d+\.\d+\n$/)
  await portcullis('keygen')
  const realm = { name: 'acme', issuer: 'https://id.example', audience: 'api', jwks: 'https://id.example/certs' }
  const configuration = {
    listen: { port: 0 },
    store: { path: 'portcullis.db' },
    signingKey: { file: 'feed-key.json' },
    realms: [realm],
  }
  await writeFile(join(project, 'portcullis.json'), JSON.stringify(configuration))
  const hasDriver = await run('node', ['-e', "require('node:sqlite')"]).then(
    () => true,
    () => false,
  )
  if (hasDriver) assert.match((await portcullis('check')).stdout, /is valid: realms acme/)
  else
    await assert.rejects(portcullis('check'), /options\.store\.driver: better-sqlite3 or node:sqlite is not installed/)
  const schema = JSON.parse(
    await readFile(join(project, 'node_modules/portcullis/portcullis.schema.json'), 'utf8'),
  ) as { title: string }
  assert.equal(schema.title, 'Portcullis origin')
})

/** Removes the variables by which a program would detect the test runner and report to it. */
function withoutRunner(): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env
  return environment
}
