// `check` refuses what `serve` refuses, with the same message, which names the option. It leaves no file behind.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createOrigin, generateFeedKey } from '../../entry/origin/node.ts'
import { sqliteStore } from '../../origin/store/sqlite/index.ts'
import { openDatabase } from '../../origin/store/sqlite/database.ts'
import { createTestIssuer, type TestIssuer } from '../../origin/testing/stage.ts'
import type { PortcullisError } from '../../errors.ts'
import type { JWK } from '../../types.ts'
import type { CommandInput } from '../command.ts'
import { check } from '../commands/check.ts'
import { serve } from '../commands/serve.ts'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const KEYCLOAK = { kind: 'keycloak', baseUrl: 'https://id.example', realm: 'acme' }
/** An account without rights, if the tests run as root. */
const NOBODY = 65_534

let folder = ''
let issuer: TestIssuer
let signingKey: JWK
let realm: Record<string, unknown>

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-refusals-'))
  chmodSync(folder, 0o755)
  issuer = await createTestIssuer()
  realm = { ...issuer.realm }
  signingKey = (await generateFeedKey()).signingKey
  mkdirSync(join(folder, 'read-only'))
  chmodSync(join(folder, 'read-only'), 0o555)
  writeFileSync(join(folder, 'no.db'), 'a file of something else, and longer than the header of a database '.repeat(20))
  writeFileSync(join(folder, 'a-file'), '')
})
after(() => rmSync(folder, { recursive: true, force: true }))

type Verb = (input: CommandInput) => Promise<string | void>

/** Returns the output or the error of a command in this process; `serve` ends when it listens. */
async function run(verb: Verb, config: string): Promise<string | Error> {
  const stopOnceListening = (event: string | symbol): void =>
    void (event === 'SIGTERM' && setImmediate(() => process.emit('SIGTERM')))
  process.on('newListener', stopOnceListening)
  try {
    return (await verb({ values: { config }, flags: new Set(), positionals: [], environment: {} })) ?? 'served'
  } catch (error) {
    assert.ok(error instanceof Error)
    return error
  } finally {
    process.off('newListener', stopOnceListening)
  }
}

interface Ended {
  code: number
  stderr: string
  stdout: string
}

/** Runs a command as a program, without the rights of root. */
async function runProgram(verb: 'check' | 'serve', config: string, node: readonly string[] = []): Promise<Ended> {
  const account = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  const options = { cwd: folder, env: { ...process.env, TSX_DISABLE_CACHE: '1' }, ...account }
  const words = ['--no-warnings', ...node, '--import', import.meta.resolve('tsx'), MAIN, verb, '--config', config]
  return new Promise((resolve) => {
    const child = execFile(process.execPath, words, options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
    child.stdout?.on('data', (text: string) => void (text.includes('"listening"') && child.kill('SIGTERM')))
  })
}

let written = 0
function configure(changes: Record<string, unknown>): string {
  const file = join(folder, `configuration-${(written += 1)}.json`)
  const store = { path: join(place(`data-${written}`), 'portcullis.db') }
  writeFileSync(file, JSON.stringify({ listen: { port: 0 }, store, signingKey, realms: [realm], ...changes }))
  return file
}

function place(name: string): string {
  const path = join(folder, name)
  mkdirSync(path, { recursive: true })
  return path
}

function files(): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort()
}

/** Requires the same error of both commands, and no new file after `check`. */
async function assertRefused(config: string, message: RegExp): Promise<void> {
  const before = files()
  const checked = await run(check.run, config)
  assert.ok(checked instanceof Error, 'check finds nothing wrong')
  assert.match(checked.message, message)
  assert.deepEqual(files(), before)
  const served = await run(serve.run, config)
  assert.ok(served instanceof Error, 'serve finds nothing wrong')
  assert.deepEqual(
    [served.message, (served as PortcullisError).code],
    [checked.message, (checked as PortcullisError).code],
  )
}

/** Requires the same of both as programs, with their exit codes. */
async function assertProgramsRefuse(config: string, message: RegExp, node: readonly string[] = []): Promise<void> {
  const before = files()
  const checked = await runProgram('check', config, node)
  assert.match(checked.stderr, message)
  assert.deepEqual(files(), before)
  assert.deepEqual(await runProgram('serve', config, node), { ...checked, code: 1 })
}

const OTHER = 'https://other.test/realms/acme'
const CALLER = { issuer: 'https://caller.test', audience: 'https://origin.test', subject: 'app' }

/** Refused configurations: what is wrong, the changes, the message. */
const REFUSED: readonly [what: string, changes: () => Record<string, unknown>, message: RegExp][] = [
  [
    'keys by http: from elsewhere',
    () => ({ realms: [{ ...realm, jwks: 'http://id.example/certs' }] }),
    /options\.realms\[0\]\.jwks must be an https: URL because id\.example is not this machine; see plainHttp/,
  ],
  [
    'the keys of a caller likewise',
    () => ({
      realms: [{ ...realm, globalTokenRevocation: { callers: [{ ...CALLER, jwks: 'http://caller.test/' }] } }],
    }),
    /options\.realms\[0\]\.globalTokenRevocation\.callers\[0\]\.jwks must be an https: URL/,
  ],
  [
    'a push by http:',
    () => ({ edges: [{ name: 'a' }, { name: 'b', pushUrl: 'http://edge.example/' }] }),
    /options\.edges\[1\]\.pushUrl must be an https: URL/,
  ],
  [
    'a Keycloak by http:',
    () => ({ connectors: [{ ...KEYCLOAK, baseUrl: 'http://id.example' }] }),
    /options\.connectors\[0\]\.baseUrl must be an https: URL because id\.example is not this machine/,
  ],
  [
    'a Keycloak with a query',
    () => ({ connectors: [{ ...KEYCLOAK, baseUrl: 'https://id.example?a=b' }] }),
    /options\.connectors\[0\]\.baseUrl must have no query/,
  ],
  [
    'an option without the account it needs',
    () => ({ connectors: [{ ...KEYCLOAK, lastLogoutTime: 'write' }] }),
    /options\.connectors\[0\]\.lastLogoutTime 'write' needs options\.connectors\[0\]\.actingAccount/,
  ],
  [
    'a connector of no realm',
    () => ({ connectors: [{ ...KEYCLOAK, realm: 'other' }] }),
    /options\.connectors\[0\] is for a realm that is not in options\.realms/,
  ],
  [
    'two connectors of one realm',
    () => ({ connectors: [KEYCLOAK, KEYCLOAK] }),
    /options\.connectors\[1\] is for the same realm as options\.connectors\[0\]/,
  ],
  [
    'a connector of a realm with tenants',
    () => ({ realms: [{ ...realm, issuer: 'https://id.example/{tid}/v2', tenants: ['a'] }], connectors: [KEYCLOAK] }),
    /options\.connectors\[0\]\.originRealm: realm acme has tenants/,
  ],
  [
    'a set without a key',
    () => ({ realms: [{ ...realm, jwks: { keys: [] } }] }),
    /options\.realms\[0\]\.jwks: .*no usable key/,
  ],
  ['an origin that no browser sends', () => ({ corsOrigins: ['https://app.example/path'] }), /options\.corsOrigins/],
  [
    'a client of no realm',
    () => ({ clients: [{ id: 'a', realms: ['other'] }] }),
    /options\.clients\[0\]\.realms names a realm/,
  ],
  [
    'a client with two secrets',
    () => ({ clients: [{ id: 'a', secret: 's', secretSha256: 'a'.repeat(64) }] }),
    /options\.clients\[0\] must have secret or secretSha256/,
  ],
  [
    'two realms of one issuer',
    () => ({ realms: [realm, { ...realm, name: 'other' }] }),
    /options\.realms\[1\]\.issuer is the same/,
  ],
  [
    'a proxy that is not an address',
    () => ({ listen: { port: 0, trustedProxies: ['proxy'] } }),
    /options\.listen\.trustedProxies/,
  ],
  [
    'an address of another machine',
    () => ({ listen: { port: 0, hostname: '192.0.2.1' } }),
    /options\.listen\.hostname: 192\.0\.2\.1 is not an address of this machine/,
  ],
  [
    'a name without an address',
    () => ({ listen: { port: 0, hostname: 'nowhere.invalid' } }),
    /options\.listen\.hostname: /,
  ],
  [
    'a folder that is not there',
    () => ({ store: { path: 'no/such/portcullis.db' } }),
    /options\.store\.path: .*its directory does not exist/,
  ],
  ['a folder that is a file', () => ({ store: { path: 'a-file/portcullis.db' } }), /options\.store\.path: /],
  [
    'a file that is not a database',
    () => ({ store: { path: 'no.db' } }),
    /options\.store\.path: .*is damaged or not an SQLite file/,
  ],
  ['a store that is a folder', () => ({ store: { path: place('folder') } }), /options\.store\.path: /],
]

describe('check and serve refuse', () => {
  for (const [what, changes, message] of REFUSED) {
    test(what, async () => {
      await assertRefused(configure(changes()), message)
    })
  }

  test('a Node without a driver for the store', async () => {
    const loader = join(folder, 'no-driver.cjs')
    writeFileSync(
      loader,
      `const { Module } = require('node:module'); const load = Module._load
      Module._load = (name, ...rest) => { if (/sqlite/.test(name)) throw Object.assign(new Error(name), { code: 'MODULE_NOT_FOUND' }); return load(name, ...rest) }`,
    )
    const config = configure({ store: { path: join(place('writable'), 'portcullis.db') } })
    chmodSync(join(folder, 'writable'), 0o777)
    await assertProgramsRefuse(
      config,
      /options\.store\.driver: better-sqlite3 or node:sqlite is not installed or cannot be loaded/,
      ['--require', loader],
    )
  })

  test('a folder that is not writable', async () => {
    await assertProgramsRefuse(
      configure({ store: { path: 'read-only/portcullis.db' } }),
      /options\.store\.path: .*cannot be written: give this process write access/,
    )
  })

  test('a port that another program uses', async (t) => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const { port } = server.address() as { port: number }
    await assertRefused(
      configure({ listen: { port } }),
      new RegExp(`options\\.listen\\.port: port ${port} on 127\\.0\\.0\\.1 is in use`),
    )
  })
})

/** A store with a revocation of realm `acme`. */
async function makeStore(name: string, options: { incarnation?: number } = {}): Promise<string> {
  const path = join(place(name), 'portcullis.db')
  const origin = await createOrigin({
    store: sqliteStore({ path }),
    signingKey,
    realms: [issuer.realm],
    ...options,
    onReport: () => undefined,
  })
  await origin.logoutUser('acme', 'alice')
  await origin.close()
  return path
}

describe('with a store that holds revocations', () => {
  test('refuses another issuer for its realm', async () => {
    const path = await makeStore('other-issuer')
    await assertRefused(
      configure({
        store: { path },
        realms: [
          { ...realm, name: 'first', issuer: 'https://first.test' },
          { ...realm, issuer: OTHER },
        ],
      }),
      /options\.realms\[1\]\.issuer: in the store, realm acme belongs to another issuer/,
    )
  })

  test("refuses an incarnation older than the store's", async () => {
    const path = await makeStore('incarnation', { incarnation: 3 })
    await assertRefused(configure({ store: { path }, incarnation: 2 }), /options\.incarnation must be 3 or more/)
  })

  test('refuses stored rows that do not match their head', async () => {
    const path = await makeStore('rows')
    const database = openDatabase(path)
    database.exec('UPDATE revocation_heads SET chain = zeroblob(length(chain))')
    database.close()
    await assertRefused(configure({ store: { path } }), /rows and head do not match: restore a backup/)
  })

  test('refuses tables of a later version', async () => {
    const path = await makeStore('newer')
    const database = openDatabase(path)
    database.exec('UPDATE portcullis_schema SET version = 99')
    database.close()
    await assertRefused(
      configure({ store: { path } }),
      /options\.store\.path: .*have version 99, this package supports/,
    )
  })

  test('check reads the store without changing it, even while an origin has it open', async () => {
    const path = await makeStore('in-use')
    const bytes = readFileSync(path)
    const file = configure({ store: { path } })
    const before = files()
    assert.doesNotMatch(String(await run(check.run, file)), /^Error|an origin has the store open/)
    assert.deepEqual(files(), before)
    assert.deepEqual(readFileSync(path), bytes)
    const origin = await createOrigin({
      store: sqliteStore({ path }),
      signingKey,
      realms: [issuer.realm],
      onReport: () => undefined,
    })
    await origin.logoutUser('acme', 'bob')
    assert.match(
      String(await run(check.run, file)),
      /is valid: [^]*an origin has the store open now: serve can start once it has stopped/,
    )
    assert.equal((await origin.logoutUser('acme', 'carol')).changed, true)
    await origin.close()
  })

  test('a valid configuration creates no file', async () => {
    const file = configure({})
    const before = files()
    assert.match(String(await run(check.run, file)), /is valid: /)
    assert.deepEqual(files(), before)
  })
})
