import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import type { OriginReport } from '../../../api.ts'
import { createTestIssuer, openStage, type Stage, until } from '../../../testing/stage.ts'
import type { Connector } from '../../connector.ts'
import { keycloakConnector } from '../connector.ts'
import { USER_EVENT_TYPES } from '../events/user-events.ts'
import type { KeycloakOptions } from '../options.ts'
import { type FakeKeycloak, openFakeKeycloak } from '../testing/fake-keycloak.ts'

const FAST = {
  notBeforeIntervalMs: 100,
  keysIntervalMs: 100,
  userEventsIntervalMs: 100,
  adminEventsIntervalMs: 100,
  requestTimeoutMs: 2_000,
}

interface Polled {
  fake: FakeKeycloak
  stage: Stage
  /** Closes the origin, and starts another one on its store. */
  restart(): Promise<Stage>
}

async function open(
  context: TestContext,
  options: Partial<KeycloakOptions> = {},
  prepare: (fake: FakeKeycloak) => void = () => undefined,
): Promise<Polled> {
  const fake = await openFakeKeycloak()
  fake.eventsConfig['enabledEventTypes'] = [...USER_EVENT_TYPES]
  const issuer = await createTestIssuer('acme', fake.issuer)
  prepare(fake)
  const serviceAccount = { clientId: 'bridge', clientSecret: 'bridge-secret' }
  const make = (): Connector =>
    keycloakConnector({ baseUrl: fake.baseUrl, realm: 'acme', serviceAccount, ...FAST, ...options })
  const polled: Polled = {
    fake,
    stage: await openStage({ realms: [{ ...issuer.realm, issuerSkewSeconds: 0 }], connectors: [make()] }),
    async restart() {
      const { signingKey, reopenStore } = polled.stage
      await polled.stage.close()
      polled.stage = await openStage({
        store: reopenStore(),
        signingKey,
        realms: [{ ...issuer.realm, issuerSkewSeconds: 0 }],
        connectors: [make()],
      })
      return polled.stage
    },
  }
  context.after(async () => {
    await polled.stage.close()
    await fake.close()
  })
  return polled
}

function logout(sid: string): FakeKeycloak['userEvents'][number] {
  return {
    id: crypto.randomUUID(),
    time: Date.now(),
    type: 'LOGOUT',
    realmId: 'r',
    clientId: 'web',
    userId: 'u1',
    sessionId: sid,
    ipAddress: '127.0.0.1',
  }
}

function reasonOf(
  { origin }: Stage,
  subject: { session?: string; subject?: string },
  ageSeconds = 5,
): string | undefined {
  const issuedAt = Math.floor(Date.now() / 1000) - ageSeconds
  return origin.refuses('acme', { tokenId: 'a token', issuedAt, expiresAt: issuedAt + 300, ...subject })
}

const about = (reports: readonly OriginReport[]): string[] =>
  reports.flatMap(({ kind, condition, error }) =>
    kind === 'connector' ? [`${condition} ${error === undefined ? 'over' : (error.detail ?? error.code)}`] : [],
  )

/** Returns the number of successful polls of a source, from the metrics. */
async function pollsOf(stage: Stage, source: string): Promise<number> {
  const text = await (await stage.get('/metrics')).text()
  return Number(
    new RegExp(`portcullis_connector_polls_total\\{[^}]*source="${source}"[^}]*outcome="done"[^}]*\\} (\\d+)`).exec(
      text,
    )?.[1] ?? 0,
  )
}

test('events, an event of an administrator and the not-before of the realm reach the ledger', async (context) => {
  const { fake, stage } = await open(context)
  fake.userEvents.push(logout('s1'))
  fake.adminEvents.push({
    id: 'a1',
    time: Date.now(),
    realmId: 'r',
    operationType: 'ACTION',
    resourceType: 'USER',
    resourcePath: 'users/u2/logout',
  })
  await until(
    () =>
      reasonOf(stage, { session: 's1' }) === 'session_revoked' && reasonOf(stage, { subject: 'u2' }) === 'user_revoked',
    'both events',
  )
  assert.equal(reasonOf(stage, { session: 's2' }), undefined)
  fake.notBefore = Math.floor(Date.now() / 1000) - 2
  await until(() => reasonOf(stage, { session: 's2' }) === 'realm_revoked', 'the not-before')
  assert.equal(reasonOf(stage, { session: 's2' }, 0), undefined)
  assert.deepEqual(about(stage.reports), [])
})

test("keeps an administrator's correction, also after a restart that rereads the same events", async (context) => {
  const polled = await open(context)
  const { fake, stage } = polled
  fake.adminEvents.push({
    id: 'a1',
    time: Date.now(),
    realmId: 'r',
    operationType: 'ACTION',
    resourceType: 'USER',
    resourcePath: 'users/u1/logout',
  })
  fake.notBefore = Math.floor(Date.now() / 1000) - 3
  await until(() => stage.origin.userNotBefore('acme', 'u1') > 0 && reasonOf(stage, {}) === 'realm_revoked', 'both')
  await stage.origin.correct(
    'acme',
    { kind: 'user', subject: 'u1', notBefore: 1 },
    { actor: 'root', reason: 'by mistake' },
  )
  await stage.origin.correct('acme', { kind: 'realm', notBefore: 1 }, { actor: 'root', reason: 'by mistake' })
  assert.equal(reasonOf(stage, { subject: 'u1' }, 60), undefined)
  const restarted = await polled.restart()
  fake.adminEvents.push({
    id: 'a2',
    time: Date.now(),
    realmId: 'r',
    operationType: 'ACTION',
    resourceType: 'USER',
    resourcePath: 'users/u2/logout',
  })
  await until(() => reasonOf(restarted, { subject: 'u2' }) === 'user_revoked', 'a later event')
  await until(async () => (await pollsOf(restarted, 'not_before')) > 1, 'polls of the not-before')
  assert.equal(reasonOf(restarted, { subject: 'u1' }, 60), undefined)
})

const page =
  (status: number, headers: Record<string, string> = {}) =>
  (_: unknown, response: ServerResponse): boolean => {
    response.writeHead(status, { 'content-type': 'text/html', ...headers }).end('<html>log in</html>')
    return true
  }

const TROUBLES: readonly (readonly [
  what: string,
  detail: string,
  begin: (fake: FakeKeycloak) => void,
  end: (fake: FakeKeycloak) => void,
])[] = [
  ['a login page', 'not_json', (fake) => (fake.intercept = page(200)), (fake) => (fake.intercept = undefined)],
  [
    'a redirect',
    'redirect',
    (fake) => (fake.intercept = page(302, { location: '/login' })),
    (fake) => (fake.intercept = undefined),
  ],
  ['a failing server', 'server_error', (fake) => (fake.intercept = page(502)), (fake) => (fake.intercept = undefined)],
  ['a renamed realm', 'unknown_realm', (fake) => (fake.realm = 'renamed'), (fake) => (fake.realm = 'acme')],
  [
    'a missing right',
    'missing_right',
    (fake) => fake.rights.delete('view-events'),
    (fake) => fake.rights.add('view-events'),
  ],
  [
    'a changed secret',
    'wrong_credentials',
    (fake) => {
      fake.accounts.set('bridge', 'another')
      fake.revokeTokens()
    },
    (fake) => fake.accounts.set('bridge', 'bridge-secret'),
  ],
]

for (const [what, detail, begin, end] of TROUBLES) {
  test(`${what} is reported once for the events, and what happened meanwhile is read afterwards`, async (context) => {
    const { fake, stage } = await open(context)
    await until(async () => (await pollsOf(stage, 'user_events')) > 0, 'a first poll')
    begin(fake)
    await until(() => about(stage.reports).includes(`user_events ${detail}`), 'a report')
    fake.userEvents.push(logout('s1'))
    await new Promise((resolve) => setTimeout(resolve, 300))
    assert.equal(about(stage.reports).filter((each) => each.startsWith('user_events')).length, 1)
    end(fake)
    await until(() => reasonOf(stage, { session: 's1' }) === 'session_revoked', 'the event')
    await until(() => about(stage.reports).includes('user_events over'), 'the end of it')
  })
}

test('records nothing while the discovery document names another host', async (context) => {
  const { fake, stage } = await open(context, {}, (fake) => {
    fake.issuer = 'https://elsewhere.example/realms/acme'
    fake.notBefore = Math.floor(Date.now() / 1000) - 1
    fake.userEvents.push(logout('s1'))
  })
  await until(
    () => about(stage.reports).filter((each) => each.endsWith(' wrong_issuer')).length === 4,
    'a report of each source',
  )
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal(reasonOf(stage, { session: 's1' }), undefined)
  fake.issuer = `${fake.baseUrl}/realms/acme`
  await until(() => reasonOf(stage, { session: 's1' }) !== undefined, 'what was kept')
})

test('reports a gap, and by option refuses the tokens of its period', async (context) => {
  for (const onGap of ['report', 'realm_not_before'] as const) {
    const polled = await open(context, { onGap })
    polled.fake.eventsConfig['eventsExpiration'] = 1
    polled.fake.userEvents.push(logout('s1'))
    await until(() => reasonOf(polled.stage, { session: 's1' }) === 'session_revoked', 'an event')
    polled.fake.userEvents = []
    // Keycloak's clock runs ahead of the period in which nothing was read.
    polled.fake.aheadSeconds = 120
    polled.fake.revokeTokens()
    const restarted = await polled.restart()
    await until(() => about(restarted.reports).some((each) => each.startsWith('user_events_gap')), 'the gap')
    assert.equal(reasonOf(restarted, { session: 's2' }), onGap === 'report' ? undefined : 'realm_revoked')
  }
})
