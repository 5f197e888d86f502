import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { OriginReport } from '../../../api.ts'
import { Conditions } from '../../conditions.ts'
import { USER_EVENT_TYPES } from '../events/user-events.ts'
import { resolveKeycloakSettings, type KeycloakOptions } from '../options.ts'
import { openScene, type Scene } from '../testing/scene.ts'
import { CompletenessWatch } from './completeness-watch.ts'
import { findIncomplete } from './completeness.ts'

async function open(context: TestContext): Promise<Scene> {
  const scene = await openScene(context)
  scene.fake.eventsConfig['enabledEventTypes'] = [...USER_EVENT_TYPES]
  return scene
}

async function find({ client, fake }: Scene, options: Partial<KeycloakOptions> = {}): Promise<readonly string[]> {
  const account = { clientId: 'bridge', clientSecret: 'bridge-secret' }
  const settings = resolveKeycloakSettings({
    baseUrl: fake.baseUrl,
    realm: 'acme',
    serviceAccount: account,
    ...options,
  })
  const findings = await findIncomplete({ client, settings, lifetimeSeconds: 86_400 })
  for (const { sentence } of findings) assert.match(sentence, /^[^\n]{40,500}$/)
  return findings.map(({ kind }) => kind)
}

test('a realm that stores everything has no findings', async (context) => {
  assert.deepEqual(await find(await open(context)), [])
})

test('everything that is not stored is a finding', async (context) => {
  const scene = await open(context)
  const { eventsConfig, realmDocument } = scene.fake
  const changes: readonly (readonly [Record<string, unknown>, string, unknown, string])[] = [
    [eventsConfig, 'eventsEnabled', false, 'user_events_off'],
    [eventsConfig, 'eventsExpiration', 3_600, 'short_retention'],
    [
      eventsConfig,
      'enabledEventTypes',
      USER_EVENT_TYPES.filter((type) => type !== 'REFRESH_TOKEN_ERROR'),
      'missing_event_type',
    ],
    [eventsConfig, 'adminEventsEnabled', false, 'admin_events_off'],
    [eventsConfig, 'adminEventsDetailsEnabled', false, 'admin_details_off'],
    [realmDocument, 'attributes', { adminEventsExpiration: '60' }, 'short_retention'],
  ]
  for (const [document, member, value, kind] of changes) {
    const before = document[member]
    document[member] = value
    assert.deepEqual(await find(scene), [kind], `${member} ${kind}`)
    document[member] = before
  }
})

test('events that are kept permanently or for an unknown time are not a finding', async (context) => {
  const scene = await open(context)
  scene.fake.eventsConfig['eventsExpiration'] = 0
  scene.fake.rights.delete('view-realm')
  assert.deepEqual(await find(scene), [])
})

test('requires a type only if an option uses it', async (context) => {
  const scene = await open(context)
  scene.fake.eventsConfig['enabledEventTypes'] = [
    'LOGOUT',
    'REVOKE_GRANT',
    'REFRESH_TOKEN_ERROR',
    'DELETE_ACCOUNT',
    'CLIENT_DELETE',
    'USER_DISABLED_BY_PERMANENT_LOCKOUT',
  ]
  assert.deepEqual(await find(scene), [])
  assert.deepEqual(await find(scene, { impersonation: 'mark', temporaryLockout: 'user' }), [
    'missing_event_type',
    'missing_event_type',
  ])
  assert.equal((await find(scene, { permanentLockout: 'ignore', userDeleted: 'ignore' })).length, 0)
})

test('each missing right is a finding, and without the right to read events it is the only one', async (context) => {
  const scene = await open(context)
  scene.fake.rights.delete('view-users')
  scene.fake.rights.delete('view-clients')
  assert.deepEqual(await find(scene), ['missing_right', 'missing_right'])
  scene.fake.rights.clear()
  assert.deepEqual(await find(scene), ['missing_right', 'missing_right', 'missing_right'])
})

test('findings form one condition, which ends when nothing is missing', async (context) => {
  const scene = await open(context)
  const reports: OriginReport[] = []
  let nowMs = 0
  const settings = resolveKeycloakSettings({ baseUrl: scene.fake.baseUrl, realm: 'acme' })
  const conditions = new Conditions({ realm: 'acme', connector: 'keycloak' }, (report) => reports.push(report))
  const watch = new CompletenessWatch({
    client: scene.client,
    settings,
    lifetimeSeconds: 86_400,
    conditions,
    nowMs: () => nowMs,
  })
  scene.fake.intercept = (_, response) => {
    response.writeHead(503).end()
    return true
  }
  await watch.tend()
  scene.fake.intercept = undefined
  scene.fake.eventsConfig['eventsEnabled'] = false
  const requests: number[] = []
  for (const ms of [10_000, 20_000, 309_000, 400_000]) {
    const before = scene.fake.requests.length
    nowMs = ms
    await watch.tend()
    requests.push(scene.fake.requests.length - before)
  }
  assert.deepEqual(
    requests.map((count) => count > 0),
    [true, false, false, true],
  )
  scene.fake.eventsConfig['eventsEnabled'] = true
  nowMs = 800_000
  await watch.tend()
  assert.deepEqual(
    reports.map(({ condition, error }) => [condition, error?.code, error?.detail]),
    [
      ['incomplete', 'connector_incomplete', 'user_events_off'],
      ['incomplete', undefined, undefined],
    ],
  )
})
