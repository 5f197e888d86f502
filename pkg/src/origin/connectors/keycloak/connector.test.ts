import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import type { OriginReport } from '../../api.ts'
import { freshStore } from '../../testing/stores.ts'
import { createTestIssuer, ISSUER, openStage, type Stage, until } from '../../testing/stage.ts'
import { USER_EVENT_TYPES } from './events/user-events.ts'
import { keycloakConnector, type KeycloakOptions } from './index.ts'
import { type FakeKeycloak, openFakeKeycloak } from './testing/fake-keycloak.ts'
import { adminEvent, userEvent } from './testing/stored-events.ts'

const READER = { clientId: 'bridge', clientSecret: 'bridge-secret' }
const SID = 'qi3lbO8H1GkwodnoxkPqA6vy'

let keycloak: FakeKeycloak
let stage: Stage
/** Requests sent by this test's origin. The server's own list may include aborted requests of an earlier origin. */
let sent: Sent[] = []

interface Sent {
  path: string
  authorization: string | null
}

before(async () => {
  keycloak = await openFakeKeycloak()
})
after(() => keycloak.close())
beforeEach(() => {
  const eventsConfig = { ...keycloak.eventsConfig, enabledEventTypes: USER_EVENT_TYPES }
  Object.assign(keycloak, {
    issuer: ISSUER,
    eventsConfig,
    userEvents: [],
    adminEvents: [],
    requests: [],
    intercept: undefined,
    notBefore: 0,
  })
})

afterEach(() => stage.close())

/** Opens an origin with a connector that polls at the shortest interval. */
async function open(options: Partial<KeycloakOptions> = {}): Promise<void> {
  const intervals = { notBeforeIntervalMs: 100, keysIntervalMs: 100 }
  const connectors = [keycloakConnector({ baseUrl: keycloak.baseUrl, realm: 'acme', ...intervals, ...options })]
  stage = await openStage({ connectors, fetch: recordingFetch() })
}

function recordingFetch(): typeof fetch {
  const own: Sent[] = []
  sent = own
  return (input, init) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input)
    if (init?.signal?.aborted !== true)
      own.push({ path: pathname, authorization: new Headers(init?.headers).get('authorization') })
    return fetch(input, init)
  }
}

/** Options of a connector that reads events at the shortest interval. */
const READING = { serviceAccount: READER, userEventsIntervalMs: 100, adminEventsIntervalMs: 100 }

/** Returns the reason for which a token of the session, issued a minute ago, is refused. */
function reasonOf(session = SID, subject = 'nobody'): string | undefined {
  const issuedAt = Math.floor(Date.now() / 1000) - 60
  return stage.origin.refuses('acme', { tokenId: 'a token', session, subject, issuedAt, expiresAt: issuedAt + 300 })
}

function now(event: Record<string, unknown>): { id: string; time: number } {
  return { id: 'an id', ...event, time: Date.now() }
}

function failuresOf(reports: readonly OriginReport[]): (string | undefined)[] {
  return [
    ...new Set(
      reports.filter(({ error }) => error !== undefined).map(({ condition, error }) => `${condition} ${error?.detail}`),
    ),
  ].sort()
}

test('it records messages, user events, admin events and the not-before of the realm', async () => {
  await open(READING)
  const iat = Math.floor(Date.now() / 1000)
  const claims = {
    sid: 'by message',
    iat,
    exp: iat + 120,
    aud: 'web',
    azp: undefined,
    token_use: undefined,
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  }
  const body = new URLSearchParams({ logout_token: await stage.issuer.token(claims, { typ: 'logout+jwt' }) })
  assert.equal((await stage.get('/realms/acme/backchannel-logout', { method: 'POST', body })).status, 200)
  assert.equal(reasonOf('by message'), 'session_revoked')
  assert.equal(
    (
      await stage.get('/realms/acme/events', {
        method: 'POST',
        body: 'x',
        headers: { 'content-type': 'application/secevent+jwt' },
      })
    ).status,
    404,
  )

  keycloak.userEvents.push(now(userEvent('logout by the browser')))
  await until(() => reasonOf() === 'session_revoked', 'the event LOGOUT')
  keycloak.adminEvents.push(now(adminEvent('user logged out')))
  await until(() => reasonOf('x', '7b2c8576-fbd6-4eed-a428-d3b1bb0533b2') === 'user_revoked', 'the admin event')
  assert.equal(reasonOf('x'), undefined)
  keycloak.notBefore = iat - 10
  await until(() => reasonOf('x') === 'realm_revoked', 'the not-before of the realm')
  assert.deepEqual(failuresOf(stage.reports), [])
  await stage.origin.close()
  const asked = sent.length
  assert.ok(asked > 0)
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal(sent.length, asked, 'nothing is requested after closing')
})

test('does not read events without a service account', async () => {
  await open()
  keycloak.notBefore = Math.floor(Date.now() / 1000) - 10
  await until(() => reasonOf() === 'realm_revoked', 'the not-before of the realm')
  assert.deepEqual(
    sent.filter(({ path, authorization }) => authorization !== null || !path.startsWith('/realms/acme')),
    [],
  )
  assert.ok(sent.length > 0)
})

test('reports each source of a Keycloak that is down when the origin starts, and reads it once it is up', async () => {
  keycloak.intercept = (_, response) => response.writeHead(503).end() !== undefined
  keycloak.userEvents.push(now(userEvent('logout by the browser')))
  await open(READING)
  const all = ['admin_events server_error', 'keys server_error', 'not_before server_error', 'user_events server_error']
  await until(() => failuresOf(stage.reports).length === all.length, 'four reports')
  assert.deepEqual(failuresOf(stage.reports), all)
  assert.equal(reasonOf(), undefined)
  keycloak.intercept = undefined
  await until(() => reasonOf() === 'session_revoked', 'the event')
  await until(() => stage.reports.filter(({ error }) => error === undefined).length === all.length, 'four ends')
})

test('events of another issuer end nothing', async () => {
  keycloak.issuer = 'https://sso.example/realms/acme'
  keycloak.userEvents.push(now(userEvent('logout by the browser')))
  keycloak.notBefore = Math.floor(Date.now() / 1000)
  await open(READING)
  await until(() => failuresOf(stage.reports).length === 4, 'four reports')
  assert.deepEqual(
    failuresOf(stage.reports).map((each) => each?.split(' ').at(-1)),
    Array(4).fill('wrong_issuer'),
  )
  assert.equal(reasonOf(), undefined)
  assert.equal(
    sent.some(({ path }) => path.startsWith('/admin/')),
    false,
  )
  assert.ok(sent.length > 0)
})

test('refuses impossible options before any request', async () => {
  const { realm } = await createTestIssuer()
  const fetch = recordingFetch()
  const refused = (options: KeycloakOptions, origin: object = {}): Promise<void> =>
    assert.rejects(
      async () => (await openStage({ connectors: [keycloakConnector(options)], fetch, ...origin })).close(),
      { code: 'invalid_option' },
    )
  const good = { baseUrl: keycloak.baseUrl, realm: 'acme' }
  await refused({ ...good, baseUrl: 'http://sso.example' })
  await refused({ ...good, baseUrl: `${keycloak.baseUrl}?x=y` })
  await refused({ ...good, originRealm: 'another' })
  await refused({ ...good, impersonation: 'refuse' })
  await refused({ ...good, passwordReset: 'ignore' })
  await refused({ ...good, lastLogoutTime: 'write' })
  await refused({ ...good, intervalMs: 5 } as KeycloakOptions)
  const { readState: _, ...stateless } = freshStore()
  await refused(good, { store: stateless })
  await refused(good, {
    connectors: [keycloakConnector(good), keycloakConnector({ ...good, realm: 'another', originRealm: 'acme' })],
  })
  assert.deepEqual(sent, [])

  const taken = keycloakConnector({
    ...good,
    originRealm: 'shop',
    securityEvents: { authorization: 'secret' },
    passwordReset: 'ignore',
  })
  stage = await openStage({ realms: [{ ...realm, name: 'shop' }], connectors: [taken] })
})
