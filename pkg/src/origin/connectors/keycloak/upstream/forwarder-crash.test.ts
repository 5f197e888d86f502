import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, test } from 'node:test'
import type { JWK } from '../../../../types.ts'
import { generateFeedKey } from '../../../core/feed-key.ts'
import '../../../testing/load.ts'
import { createTestIssuer, until } from '../../../testing/stage.ts'
import { type FakeKeycloak, openFakeKeycloak } from '../testing/fake-keycloak.ts'
import { addSessions, type FakeSessions } from '../testing/fake-sessions.ts'

let folder: string
let keycloak: FakeKeycloak
let state: FakeSessions
let setting: { path: string; baseUrl: string; signingKey: JWK; realm: object }
const children: ChildProcess[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-acting-'))
  keycloak = await openFakeKeycloak()
  state = addSessions(keycloak)
  const { signingKey } = await generateFeedKey()
  const { realm } = await createTestIssuer()
  setting = {
    path: join(folder, 'revocations.db'),
    baseUrl: keycloak.baseUrl,
    signingKey,
    realm: { ...realm, issuerSkewSeconds: 0 },
  }
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await keycloak.close()
  await rm(folder, { recursive: true })
})

/** A running origin, and the lines that it writes. */
async function start(killedAt?: string): Promise<{ child: ChildProcess; lines: AsyncIterator<string> }> {
  const entry = new URL('../testing/acting-origin.ts', import.meta.url).pathname
  const child = spawn(process.execPath, ['--import', 'tsx', entry, JSON.stringify({ ...setting, killedAt })], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  assert.equal((await lines.next()).value, 'ready')
  return { child, lines }
}

const now = (): number => Math.floor(Date.now() / 1000)

function session(sid: string, start: number): void {
  state.sessions.set(sid, { user: 'alice', kind: 'online', start, lastAccess: start, client: 'web' })
}

/** Restarts after the kill: what began before the logout is ended, and the later login stays. */
async function assertFinished(): Promise<void> {
  session('later', now() + 2)
  state.misbehave = undefined
  const { child } = await start()
  await until(() => !['s1', 's2'].some((sid) => state.sessions.has(sid)), 'the sessions are ended')
  child.stdin?.end()
  await once(child, 'exit')
  assert.deepEqual([...state.sessions.keys()], ['later'])
  assert.ok(state.acts.filter((act) => act === 'POST users/alice/logout').length <= 1)
}

for (const killedAt of ['postponeOutbox', 'acknowledgeOutbox']) {
  test(`killed before ${killedAt}, performs the act after the restart without ending later logins`, async () => {
    session('s1', now() - 100)
    session('s2', now() - 1)
    const { child } = await start(killedAt)
    const exited = once(child, 'exit')
    child.stdin?.write('log out\n')
    assert.deepEqual(await exited, [null, 'SIGKILL'])
    await assertFinished()
  })
}

for (const after of [undefined, true] as const) {
  test(`killed while Keycloak ${after === undefined ? 'has not begun' : 'has done it but not responded'}, likewise`, async () => {
    session('s1', now() - 100)
    session('s2', now() - 1)
    state.misbehave = { path: /logout$/, status: 'hang', ...(after === undefined ? {} : { after }) }
    const { child } = await start()
    child.stdin?.write('log out\n')
    await until(() => keycloak.requests.some(({ url }) => url.endsWith('/users/alice/logout')), 'the logout is sent')
    child.kill('SIGKILL')
    await once(child, 'exit')
    await assertFinished()
  })
}
