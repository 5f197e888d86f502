// A better-sqlite3 that the running Node cannot load ends the process, so it is refused before it is loaded.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const SOURCES = fileURLToPath(new URL('../../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'portcullis-driver-'))
after(() => rmSync(folder, { recursive: true, force: true }))

cpSync(SOURCES, join(folder, 'src'), { recursive: true, filter: (file) => !file.endsWith('.test.ts') })
writeFileSync(join(folder, 'package.json'), '{"type":"module"}')

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const hasNodeSqlite = major > 22 || (major === 22 && minor >= 13)
/** A Node version that does not exist yet. */
const later = major + 10

/**
 * Returns the outcome of opening a file with that package installed; its code ends the process, as the real one does.
 */
function open(manifest: object | string, options: object = { driver: 'better-sqlite3' }): string {
  const installed = join(folder, 'node_modules', 'better-sqlite3')
  mkdirSync(installed, { recursive: true })
  writeFileSync(
    join(installed, 'package.json'),
    typeof manifest === 'string'
      ? manifest
      : JSON.stringify({ name: 'better-sqlite3', main: 'index.cjs', ...manifest }),
  )
  writeFileSync(join(installed, 'index.cjs'), "process.kill(process.pid, 'SIGSEGV')")
  const script = `
    const { openDatabase } = await import('./src/origin/store/sqlite/index.ts')
    try {
      openDatabase(${JSON.stringify(join(folder, 'store.db'))}, ${JSON.stringify(options)}).close()
      console.log('opened')
    } catch (error) {
      console.log(error.code + ': ' + error.message)
    }`
  const parameters = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script]
  const { stdout, signal } = spawnSync(process.execPath, parameters, { cwd: folder, encoding: 'utf8' })
  return signal ?? stdout.trim()
}

test('refuses one for a later Node, and names the version to install', () => {
  for (const node of [
    `>=${later}`,
    `^${later}`,
    `${later}.x || ${later + 2}.x`,
    `>=${later}.2.1 <${later + 5}`,
    `v${later}`,
  ]) {
    const said = open({ version: '14.1.0', engines: { node } })
    assert.match(
      said,
      new RegExp(
        `^store_unavailable: better-sqlite3 14\\.1\\.0 needs Node ${later}[.\\d]* or later and would crash Node ${process.versions.node}: npm install better-sqlite3@12$`,
      ),
      node,
    )
  }
})

test('version 13 needs Node 22, even if its manifest does not state it', () => {
  const expected = major < 22 ? /^store_unavailable: better-sqlite3 13\.2\.0 needs Node 22 or later/ : /^SIGSEGV$/
  for (const engines of [{ node: '>=22' }, undefined, {}, { node: '*' }, { node: 20 }])
    assert.match(open({ version: '13.2.0', engines }), expected)
})

test('tries one that may be compatible, and one for older Nodes', () => {
  for (const node of [
    '20.x || 22.x || 24.x',
    `>=${major}`,
    '>=10',
    `${major - 1}.x`,
    `<${later}`,
    `>=${major} || >=${later}`,
  ]) {
    assert.equal(open({ version: '12.4.1', engines: { node } }), 'SIGSEGV', node)
  }
  // Manifests without a range.
  for (const manifest of ['{', '[]', '{"main":"index.cjs"}'])
    assert.notEqual(open(manifest).split(':', 1)[0], 'opened', manifest)
})

test("without a driver option, uses Node's own driver if it has one", () => {
  const said = open({ version: '14.1.0', engines: { node: `>=${later}` } }, {})
  if (hasNodeSqlite) assert.equal(said, 'opened')
  else assert.match(said, /needs Node .* npm install better-sqlite3@12$/)
})
