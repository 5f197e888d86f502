import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { connectorStore } from '../../store/store.ts'
import { freshStore } from '../../testing/stores.ts'
import { createTestIssuer, openStage, type Stage, until } from '../../testing/stage.ts'
import type { RevocationStore } from '../../store/store.ts'
import { keycloakConnector } from './connector.ts'
import type { KeycloakOptions } from './options.ts'
import { type FakeKeycloak, openFakeKeycloak } from './testing/fake-keycloak.ts'
import { addSessions, type FakeSession, type FakeSessions } from './testing/fake-sessions.ts'

let keycloak: FakeKeycloak
let state: FakeSessions
let store: RevocationStore
let stage: Stage

beforeEach(async () => {
  keycloak = await openFakeKeycloak()
  state = addSessions(keycloak)
  store = freshStore()
  stage = await open()
})
afterEach(async () => {
  await stage.close()
  await keycloak.close()
})

async function open(options: Partial<KeycloakOptions> = {}): Promise<Stage> {
  const { realm } = await createTestIssuer()
  const actingAccount = { clientId: 'bridge', clientSecret: 'bridge-secret' }
  // The polled not-before would add to what the forwarder records.
  const connector = keycloakConnector({ baseUrl: keycloak.baseUrl, realm: 'acme', actingAccount, notBeforeIntervalMs: 3_600_000, ...options })
  return openStage({ store, realms: [{ ...realm, issuerSkewSeconds: 0 }], connectors: [connector] })
}

/** The reports on acts. */
const reports = () => stage.reports.filter(({ condition }) => condition === 'forwarding')

const now = (): number => Math.floor(Date.now() / 1000)

/** A session that began so many seconds ago. */
function session(sid: string, ago: number, more: Partial<FakeSession> = {}): void {
  state.sessions.set(sid, { user: 'alice', kind: 'online', start: now() - ago, lastAccess: now() - ago, client: 'web', ...more })
}

const sids = (): string[] => [...state.sessions.keys()].sort()

const DOWN = { path: /./, status: 'reset' } as const

async function waiting(): Promise<number> {
  return (await connectorStore(store, 'test').outboxEntries({ realm: 'acme', queue: 'keycloak', limit: 100 })).length
}

const idle = (): Promise<void> => until(async () => (await waiting()) === 0, 'everything is sent')

describe('while Keycloak can be reached', () => {
  test('a user is logged out by one request, and the sessions of offline tokens one by one', async () => {
    session('s1', 100)
    session('s2', 50, { client: 'spa' })
    session('offline', 70, { kind: 'offline' })
    session('of-bob', 10, { user: 'bob' })
    const recorded = await stage.origin.logoutUser('acme', 'alice')
    assert.equal(await recorded.upstream, 'done')
    assert.deepEqual(sids(), ['of-bob'])
    assert.deepEqual(state.acts, ['POST users/alice/logout', 'DELETE sessions/offline?isOffline=true'])
    assert.equal(await waiting(), 0)
  })

  test('a session of either kind is ended', async () => {
    session('s1', 100)
    session('s2', 100)
    session('offline', 70, { kind: 'offline' })
    assert.equal(await (await stage.origin.endSession('acme', 's1')).upstream, 'done')
    assert.equal(await (await stage.origin.endSession('acme', 'offline')).upstream, 'done')
    assert.deepEqual(sids(), ['s2'])
  })

  test('everybody is logged out by one request, which also ends the token of whoever asked', async () => {
    session('s1', 100)
    session('of-bob', 10, { user: 'bob' })
    assert.equal(await (await stage.origin.logoutRealm('acme')).upstream, 'done')
    assert.deepEqual([sids(), state.acts], [[], ['POST logout-all']])
    assert.equal(await (await stage.origin.endSession('acme', 'another')).upstream, 'done')
  })

  test("the realm's not-before and a client's are raised, never ahead of now, and never lowered", async () => {
    assert.equal(await (await stage.origin.setRealmNotBefore('acme', 1_700_000_000)).upstream, 'done')
    assert.equal(keycloak.notBefore, 1_700_000_000)
    assert.equal(await (await stage.origin.setRealmNotBefore('acme', 1_600_000_000)).upstream, 'done')
    assert.equal(keycloak.notBefore, 1_700_000_000)
    assert.equal(await (await stage.origin.setRealmNotBefore('acme', now() + 4)).upstream, 'done')
    assert.ok(Number(keycloak.notBefore) <= now())
    assert.equal(await (await stage.origin.setClientNotBefore('acme', 'web', 1_700_000_000)).upstream, 'done')
    assert.equal(await (await stage.origin.setClientNotBefore('acme', 'unknown')).upstream, 'done')
    assert.deepEqual([...state.clients], [['web', 1_700_000_000], ['spa', 0]])
  })

  test('a grant is ended with its consent; one that Keycloak keeps no consent for is refused while its sessions go on', async () => {
    session('s1', 100)
    session('s2', 50, { client: 'spa' })
    state.consents.set('alice web', Date.now() - 100_000)
    assert.equal(await (await stage.origin.endGrant('acme', 'alice', 'web')).upstream, 'done')
    assert.deepEqual(sids(), ['s2'])
    assert.equal(await (await stage.origin.endGrant('acme', 'alice', 'spa')).upstream, 'refused')
    assert.equal(await (await stage.origin.endGrant('acme', 'bob', 'spa')).upstream, 'done')
    assert.equal(await (await stage.origin.endClientSession('acme', 's2', 'spa')).upstream, 'refused')
    assert.deepEqual([sids(), await waiting()], [['s2'], 0])
  })

  test('whoever is not known there is done', async () => {
    for (const sub of ['nobody', '..', '.', 'a/../b', '%2e%2e', 'ü\u0000']) {
      assert.equal(await (await stage.origin.logoutUser('acme', sub)).upstream, 'done', sub)
      assert.equal(await (await stage.origin.endSession('acme', sub)).upstream, 'done', sub)
    }
    assert.deepEqual(state.acts.filter((act) => !/^(POST users\/.+\/logout|DELETE sessions\/.+)$/.test(act)), [])
    const paths = keycloak.requests.filter(({ url }) => url.startsWith('/admin/')).map(({ url }) => url)
    assert.ok(paths.every((path) => /^\/admin\/realms\/acme\/(users|sessions)\/[^/]+/.test(path)), 'no name leaves its place in the path')
  })

  test('what was heard from Keycloak is not told to it', async () => {
    await stage.origin.logoutUser('acme', 'alice', { upstream: 'skip', actor: 'connector:keycloak' })
    assert.deepEqual([keycloak.requests.filter(({ url }) => url.startsWith('/admin/')), await waiting()], [[], 0])
  })
})

describe('while Keycloak cannot be reached', () => {
  test('acts wait; then the sessions of the time are ended one by one, and later logins live', async () => {
    state.misbehave = DOWN
    session('s1', 100)
    session('s2', 0)
    session('offline', 100, { kind: 'offline' })
    assert.equal(await (await stage.origin.logoutUser('acme', 'alice')).upstream, 'queued')
    assert.equal(await (await stage.origin.endSession('acme', 'of-bob')).upstream, 'queued')
    session('of-bob', 10, { user: 'bob' })
    session('later', -2)
    session('later-offline', -2, { kind: 'offline' })
    assert.equal(await waiting(), 2)
    state.misbehave = undefined
    await idle()
    assert.deepEqual(sids(), ['later', 'later-offline'])
    assert.ok(!state.acts.some((act) => act.endsWith('/logout')))
  })

  test('a token of a refresh that came before the act is refused', async () => {
    state.misbehave = DOWN
    assert.equal(await (await stage.origin.logoutUser('acme', 'alice')).upstream, 'queued')
    const loggedOutAt = stage.origin.userNotBefore('acme', 'alice')
    await until(() => now() >= loggedOutAt + 2, 'two seconds pass')
    const refreshedAt = now()
    state.misbehave = undefined
    await idle()
    assert.ok(stage.origin.userNotBefore('acme', 'alice') >= refreshedAt)
  })

  test('the realm gets a not-before, and sessions that were used since are ended; logout-all is not repeated', async () => {
    state.misbehave = DOWN
    session('unused', 100)
    session('refreshed', 100, { lastAccess: now() + 1 })
    session('refreshed-offline', 100, { kind: 'offline', client: 'spa', lastAccess: now() + 1 })
    session('later', -2, { lastAccess: now() + 2 })
    assert.equal(await (await stage.origin.logoutRealm('acme')).upstream, 'queued')
    const recordedAt = now()
    state.misbehave = undefined
    await idle()
    assert.ok(!state.acts.includes('POST logout-all'))
    assert.ok(Number(keycloak.notBefore) >= recordedAt - 1 && Number(keycloak.notBefore) <= recordedAt)
    assert.deepEqual(sids(), ['later', 'unused'])
  })

  test("a realm's not-before that is later there stays", async () => {
    state.misbehave = DOWN
    await (await stage.origin.logoutRealm('acme')).upstream
    keycloak.notBefore = now() + 1_000
    const there = keycloak.notBefore
    state.misbehave = undefined
    await idle()
    assert.equal(keycloak.notBefore, there)
  })

  test('a consent that was given again stays', async () => {
    state.misbehave = DOWN
    await (await stage.origin.endGrant('acme', 'alice', 'web')).upstream
    await (await stage.origin.endGrant('acme', 'bob', 'web')).upstream
    state.consents.set('alice web', Date.now() + 2_000)
    state.consents.set('bob web', Date.now() - 2_000)
    state.misbehave = undefined
    await idle()
    assert.deepEqual([...state.consents.keys()], ['alice web'])
  })

  test('an operator is told once, and once when it is over', async () => {
    state.misbehave = DOWN
    for (let act = 0; act < 5; act += 1) await (await stage.origin.logoutUser('acme', 'alice')).upstream
    assert.deepEqual(reports().map(({ error }) => error?.detail), ['unreachable'])
    state.misbehave = undefined
    await idle()
    await until(() => reports().length === 2, 'the end is reported')
    assert.equal(reports()[1]?.error, undefined)
  })
})

describe('an answer of Keycloak', () => {
  test('that is slow is not waited for; the logout is not asked for again', async () => {
    await stage.close()
    stage = await open({ requestTimeoutMs: 300, upstreamTimeoutMs: 100 })
    session('s1', 100)
    state.misbehave = { path: /logout$/, status: 'hang', after: true }
    const began = performance.now()
    assert.equal(await (await stage.origin.logoutUser('acme', 'alice')).upstream, 'queued')
    assert.ok(performance.now() - began < 5_000)
    session('later', -2)
    await idle()
    assert.deepEqual([sids(), state.acts.filter((act) => act.endsWith('/logout'))], [['later'], ['POST users/alice/logout']])
  })

  test('of a failure is tried again, and holds up no other act', async () => {
    state.misbehave = { path: /users\/alice/, status: 500 }
    session('s1', 100)
    assert.equal(await (await stage.origin.logoutUser('acme', 'alice')).upstream, 'queued')
    assert.equal(await (await stage.origin.logoutUser('acme', 'bob')).upstream, 'done')
    state.misbehave = undefined
    await idle()
    assert.deepEqual(sids(), [])
  })

  test('that a right is missing is final, and named', async () => {
    keycloak.rights.delete('manage-users')
    assert.equal(await (await stage.origin.logoutUser('acme', 'alice')).upstream, 'refused')
    assert.equal(await waiting(), 0)
    const [report] = reports()
    assert.equal(report?.error?.detail, 'missing_right')
    assert.match(report?.error?.message ?? '', /manage-users/)
    keycloak.rights.add('manage-users')
    assert.equal(await (await stage.origin.logoutUser('acme', 'alice')).upstream, 'done')
  })

  test('that the credentials are wrong leaves the act waiting', async () => {
    keycloak.accounts.set('bridge', 'changed')
    session('s1', 100)
    assert.equal(await (await stage.origin.logoutUser('acme', 'alice')).upstream, 'queued')
    keycloak.accounts.set('bridge', 'bridge-secret')
    await idle()
    assert.deepEqual(sids(), [])
  })

  test('that refuses the act is final', async () => {
    state.misbehave = { path: /logout$/, status: 409 }
    assert.equal(await (await stage.origin.logoutUser('acme', 'alice')).upstream, 'refused')
    assert.equal(await waiting(), 0)
  })
})

test('many acts are sent, each once', async () => {
  for (let index = 0; index < 300; index += 1) session(`s${index}`, 10)
  const outcomes = await Promise.all([...state.sessions.keys()].map(async (sid) => (await stage.origin.endSession('acme', sid)).upstream))
  await idle()
  assert.deepEqual(sids(), [])
  assert.equal(state.acts.length, 600)
  assert.ok(outcomes.every((outcome) => outcome === 'done' || outcome === 'queued'))
})
