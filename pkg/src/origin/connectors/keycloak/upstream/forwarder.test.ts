import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { until } from '../../../testing/stage.ts'
import { type ActingStage, DOWN, now, openActingStage } from '../testing/acting-stage.ts'

let stage: ActingStage

beforeEach(async () => void (stage = await openActingStage()))
afterEach(() => stage.close())

describe('while Keycloak can be reached', () => {
  test('logs a user out by one request, and ends the sessions of offline tokens one by one', async () => {
    stage.session('s1', 100)
    stage.session('s2', 50, { client: 'spa' })
    stage.session('offline', 70, { kind: 'offline' })
    stage.session('of-bob', 10, { user: 'bob' })
    const recorded = await stage.origin.logoutUser('acme', 'alice')
    assert.equal(await recorded.upstream, 'done')
    assert.deepEqual(stage.sids(), ['of-bob'])
    assert.deepEqual(stage.state.acts, ['POST users/alice/logout', 'DELETE sessions/offline?isOffline=true'])
    assert.equal(await stage.waiting(), 0)
  })

  test('ends a session of either kind', async () => {
    stage.session('s1', 100)
    stage.session('s2', 100)
    stage.session('offline', 70, { kind: 'offline' })
    assert.equal(await (await stage.origin.endSession('acme', 's1')).upstream, 'done')
    assert.equal(await (await stage.origin.endSession('acme', 'offline')).upstream, 'done')
    assert.deepEqual(stage.sids(), ['s2'])
  })

  test('logs all users out by one request, which also ends the token of the acting account', async () => {
    stage.session('s1', 100)
    stage.session('of-bob', 10, { user: 'bob' })
    assert.equal(await (await stage.origin.logoutRealm('acme')).upstream, 'done')
    assert.deepEqual([stage.sids(), stage.state.acts], [[], ['POST logout-all']])
    assert.equal(await (await stage.origin.endSession('acme', 'another')).upstream, 'done')
  })

  test("raises the realm's and a client's not-before, never ahead of now, and never lowers them", async () => {
    assert.equal(await (await stage.origin.setRealmNotBefore('acme', 1_700_000_000)).upstream, 'done')
    assert.equal(stage.keycloak.notBefore, 1_700_000_000)
    assert.equal(await (await stage.origin.setRealmNotBefore('acme', 1_600_000_000)).upstream, 'done')
    assert.equal(stage.keycloak.notBefore, 1_700_000_000)
    assert.equal(await (await stage.origin.setRealmNotBefore('acme', now() + 4)).upstream, 'done')
    assert.ok(Number(stage.keycloak.notBefore) <= now())
    assert.equal(await (await stage.origin.setClientNotBefore('acme', 'web', 1_700_000_000)).upstream, 'done')
    assert.equal(await (await stage.origin.setClientNotBefore('acme', 'unknown')).upstream, 'done')
    assert.deepEqual(
      [...stage.state.clients],
      [
        ['web', 1_700_000_000],
        ['spa', 0],
      ],
    )
  })

  test('ends a grant with its consent; one without consent at Keycloak is refused while its sessions continue', async () => {
    stage.session('s1', 100)
    stage.session('s2', 50, { client: 'spa' })
    stage.state.consents.set('alice web', Date.now() - 100_000)
    assert.equal(await (await stage.origin.endGrant('acme', 'alice', 'web')).upstream, 'done')
    assert.deepEqual(stage.sids(), ['s2'])
    assert.equal(await (await stage.origin.endGrant('acme', 'alice', 'spa')).upstream, 'refused')
    assert.equal(await (await stage.origin.endGrant('acme', 'bob', 'spa')).upstream, 'done')
    assert.equal(await (await stage.origin.endClientSession('acme', 's2', 'spa')).upstream, 'refused')
    assert.deepEqual([stage.sids(), await stage.waiting()], [['s2'], 0])
  })

  test('an act on a user unknown at Keycloak counts as done', async () => {
    for (const sub of ['nobody', '..', '.', 'a/../b', '%2e%2e', 'ü\u0000']) {
      assert.equal(await (await stage.origin.logoutUser('acme', sub)).upstream, 'done', sub)
      assert.equal(await (await stage.origin.endSession('acme', sub)).upstream, 'done', sub)
    }
    assert.deepEqual(
      stage.state.acts.filter((act) => !/^(POST users\/.+\/logout|DELETE sessions\/.+)$/.test(act)),
      [],
    )
    const paths = stage.keycloak.requests.filter(({ url }) => url.startsWith('/admin/')).map(({ url }) => url)
    assert.ok(
      paths.every((path) => /^\/admin\/realms\/acme\/(users|sessions)\/[^/]+/.test(path)),
      'no name escapes its path segment',
    )
  })

  test('does not forward what Keycloak reported', async () => {
    await stage.origin.logoutUser('acme', 'alice', { upstream: 'skip', actor: 'connector:keycloak' })
    assert.deepEqual(
      [stage.keycloak.requests.filter(({ url }) => url.startsWith('/admin/')), await stage.waiting()],
      [[], 0],
    )
  })
})

describe('while Keycloak is unreachable', () => {
  test('acts wait; then the sessions of that time are ended one by one, and later logins stay', async () => {
    stage.state.misbehave = DOWN
    stage.session('s1', 100)
    stage.session('s2', 0)
    stage.session('offline', 100, { kind: 'offline' })
    assert.equal(await (await stage.origin.logoutUser('acme', 'alice')).upstream, 'queued')
    assert.equal(await (await stage.origin.endSession('acme', 'of-bob')).upstream, 'queued')
    stage.session('of-bob', 10, { user: 'bob' })
    stage.session('later', -2)
    stage.session('later-offline', -2, { kind: 'offline' })
    assert.equal(await stage.waiting(), 2)
    stage.state.misbehave = undefined
    await stage.idle()
    assert.deepEqual(stage.sids(), ['later', 'later-offline'])
    assert.ok(!stage.state.acts.some((act) => act.endsWith('/logout')))
  })

  test('a token refreshed before the act is refused', async () => {
    stage.state.misbehave = DOWN
    assert.equal(await (await stage.origin.logoutUser('acme', 'alice')).upstream, 'queued')
    const loggedOutAt = stage.origin.userNotBefore('acme', 'alice')
    await until(() => now() >= loggedOutAt + 2, 'two seconds pass')
    const refreshedAt = now()
    stage.state.misbehave = undefined
    await stage.idle()
    assert.ok(stage.origin.userNotBefore('acme', 'alice') >= refreshedAt)
  })

  test("sets the realm's not-before and ends sessions used since; does not repeat logout-all", async () => {
    stage.state.misbehave = DOWN
    stage.session('unused', 100)
    stage.session('refreshed', 100, { lastAccess: now() + 1 })
    stage.session('refreshed-offline', 100, { kind: 'offline', client: 'spa', lastAccess: now() + 1 })
    stage.session('later', -2, { lastAccess: now() + 2 })
    assert.equal(await (await stage.origin.logoutRealm('acme')).upstream, 'queued')
    const recordedAt = now()
    stage.state.misbehave = undefined
    await stage.idle()
    assert.ok(!stage.state.acts.includes('POST logout-all'))
    assert.ok(Number(stage.keycloak.notBefore) >= recordedAt - 1 && Number(stage.keycloak.notBefore) <= recordedAt)
    assert.deepEqual(stage.sids(), ['later', 'unused'])
  })

  test('keeps a later not-before of the realm at Keycloak', async () => {
    stage.state.misbehave = DOWN
    await (await stage.origin.logoutRealm('acme')).upstream
    stage.keycloak.notBefore = now() + 1_000
    const there = stage.keycloak.notBefore
    stage.state.misbehave = undefined
    await stage.idle()
    assert.equal(stage.keycloak.notBefore, there)
  })

  test('keeps a consent that was given again', async () => {
    stage.state.misbehave = DOWN
    await (await stage.origin.endGrant('acme', 'alice', 'web')).upstream
    await (await stage.origin.endGrant('acme', 'bob', 'web')).upstream
    stage.state.consents.set('alice web', Date.now() + 2_000)
    stage.state.consents.set('bob web', Date.now() - 2_000)
    stage.state.misbehave = undefined
    await stage.idle()
    assert.deepEqual([...stage.state.consents.keys()], ['alice web'])
  })

  test('reports a failure once, and its end once', async () => {
    stage.state.misbehave = DOWN
    for (let act = 0; act < 5; act += 1) await (await stage.origin.logoutUser('acme', 'alice')).upstream
    assert.deepEqual(
      stage.actReports().map(({ error }) => error?.detail),
      ['unreachable'],
    )
    stage.state.misbehave = undefined
    await stage.idle()
    await until(() => stage.actReports().length === 2, 'the end is reported')
    assert.equal(stage.actReports()[1]?.error, undefined)
  })
})

describe('a response of Keycloak', () => {
  test('that is slow is not waited for, and the logout is not requested again', async () => {
    await stage.close()
    stage = await openActingStage({ requestTimeoutMs: 300, upstreamTimeoutMs: 100 })
    stage.session('s1', 100)
    stage.state.misbehave = { path: /logout$/, status: 'hang', after: true }
    const began = performance.now()
    assert.equal(await (await stage.origin.logoutUser('acme', 'alice')).upstream, 'queued')
    assert.ok(performance.now() - began < 5_000)
    stage.session('later', -2)
    await stage.idle()
    assert.deepEqual(
      [stage.sids(), stage.state.acts.filter((act) => act.endsWith('/logout'))],
      [['later'], ['POST users/alice/logout']],
    )
  })

  test('that fails is retried, without delaying other acts', async () => {
    stage.state.misbehave = { path: /users\/alice/, status: 500 }
    stage.session('s1', 100)
    assert.equal(await (await stage.origin.logoutUser('acme', 'alice')).upstream, 'queued')
    assert.equal(await (await stage.origin.logoutUser('acme', 'bob')).upstream, 'done')
    stage.state.misbehave = undefined
    await stage.idle()
    assert.deepEqual(stage.sids(), [])
  })

  test('that a right is missing is final, and names the right', async () => {
    stage.keycloak.rights.delete('manage-users')
    assert.equal(await (await stage.origin.logoutUser('acme', 'alice')).upstream, 'refused')
    assert.equal(await stage.waiting(), 0)
    const [report] = stage.actReports()
    assert.equal(report?.error?.detail, 'missing_right')
    assert.match(report?.error?.message ?? '', /manage-users/)
    stage.keycloak.rights.add('manage-users')
    assert.equal(await (await stage.origin.logoutUser('acme', 'alice')).upstream, 'done')
  })

  test('that the credentials are wrong leaves the act waiting', async () => {
    stage.keycloak.accounts.set('bridge', 'changed')
    stage.session('s1', 100)
    assert.equal(await (await stage.origin.logoutUser('acme', 'alice')).upstream, 'queued')
    stage.keycloak.accounts.set('bridge', 'bridge-secret')
    await stage.idle()
    assert.deepEqual(stage.sids(), [])
  })

  test('that the rate limit was reached leaves the act waiting', async () => {
    for (const status of [429, 408]) {
      stage.session('s1', 100)
      stage.state.misbehave = { path: /logout$|sessions$/, status }
      assert.equal(await (await stage.origin.logoutUser('acme', 'alice')).upstream, 'queued')
      stage.state.misbehave = undefined
      await stage.idle()
      assert.deepEqual(stage.sids(), [])
    }
  })

  test('that refuses the act is final', async () => {
    stage.state.misbehave = { path: /logout$/, status: 409 }
    assert.equal(await (await stage.origin.logoutUser('acme', 'alice')).upstream, 'refused')
    assert.equal(await stage.waiting(), 0)
  })
})

test('sends many acts, each once', async () => {
  for (let index = 0; index < 300; index += 1) stage.session(`s${index}`, 10)
  const outcomes = await Promise.all(
    [...stage.state.sessions.keys()].map(async (sid) => (await stage.origin.endSession('acme', sid)).upstream),
  )
  await stage.idle()
  assert.deepEqual(stage.sids(), [])
  assert.equal(stage.state.acts.length, 600)
  assert.ok(outcomes.every((outcome) => outcome === 'done' || outcome === 'queued'))
})
