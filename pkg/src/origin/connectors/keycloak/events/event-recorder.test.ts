import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PortcullisError } from '../../../../errors.ts'
import type { Origin, OriginReport } from '../../../api.ts'
import { openStage, type Stage } from '../../../testing/stage.ts'
import { Conditions } from '../../conditions.ts'
import { failure } from '../client/failure.ts'
import { type KeycloakOptions, resolveKeycloakSettings } from '../options.ts'
import { adminEvent, userEvent } from '../testing/stored-events.ts'
import { ClientNames } from './client-names.ts'
import { CurrentState } from './current-state.ts'
import { EventRecorder } from './event-recorder.ts'

interface Recording {
  recorder: EventRecorder
  origin: Origin
  reports: OriginReport[]
  close(): Promise<void>
}

/** A recorder at a real origin; lookups at Keycloak fail as `lookup` specifies. */
async function openRecording(
  options: Partial<KeycloakOptions> = {},
  lookup: () => PortcullisError = () => failure('unreachable', 'gone'),
): Promise<Recording> {
  const stage: Stage = await openStage()
  const reports: OriginReport[] = []
  const settings = resolveKeycloakSettings({
    baseUrl: 'https://sso.example',
    realm: 'acme',
    serviceAccount: { clientId: 'reader', clientSecret: 'secret' },
    ...options,
  })
  const state = new CurrentState({ get: () => Promise.reject(lookup()) })
  const names = new ClientNames({ state, nowMs: Date.now })
  const host = { realm: { ...stage.issuer.realm, maxLifetimeSeconds: 86_400 }, service: stage.origin }
  const conditions = new Conditions({ realm: 'acme', connector: 'keycloak' }, (report) => reports.push(report))
  const recorder = new EventRecorder({ settings, names, state, host, connector: 'keycloak', conditions })
  return { recorder, origin: stage.origin, reports, close: () => stage.close() }
}

/** Returns the event dated now: an older one would affect no token. */
function now(event: Record<string, unknown>): Record<string, unknown> {
  return { ...event, time: Date.now() }
}

/** Returns the reason for which a token of the session is refused. */
function reasonOf(origin: Origin, session: string): string | undefined {
  const issuedAt = Math.floor(Date.now() / 1000) - 10
  return origin.refuses('acme', { tokenId: 'a token', session, issuedAt, expiresAt: issuedAt + 300 })
}

const SID = 'qi3lbO8H1GkwodnoxkPqA6vy'

test('records an event once, with the connector as its actor and the event as its reason', async () => {
  const { recorder, origin, close } = await openRecording()
  const events = [now(userEvent('logout by the browser')), now(userEvent('access token revoked'))]
  await recorder.userEvents(events)
  await recorder.userEvents(events)
  await recorder.adminEvents([now(adminEvent('realm revocation pushed'))])
  assert.equal(reasonOf(origin, SID), 'session_revoked')
  const lines = await origin.audit.list({ realm: 'acme', actor: 'connector:keycloak', limit: 10 })
  assert.deepEqual(lines.map(({ action, subject, reason }) => [action, subject, reason]).sort(), [
    ['session_ended', SID, 'event LOGOUT'],
    ['token_revoked', 'onrtac:ef759e2b-823d-e10a-f6c1-a46483ca137c', 'event REVOKE_GRANT'],
  ])
  await close()
})

test('notes and reports each impersonation, and ends it if it is refused', async () => {
  for (const impersonation of ['mark', 'refuse'] as const) {
    const { recorder, origin, reports, close } = await openRecording({ impersonation })
    await recorder.userEvents([
      now(userEvent('impersonation')),
      now({ ...userEvent('impersonation'), sessionId: 'another' }),
    ])
    const lines = await origin.audit.list({ realm: 'acme', action: 'impersonated', limit: 10 })
    assert.deepEqual(lines.map(({ subject, detail, actor }) => [subject, detail, actor]).sort(), [
      ['1df6557f-d30e-4475-92d7-6ab320222fe7', 'session Eyw3noc3kkeTv8pQ9P2KwuoO', 'connector:keycloak'],
      ['1df6557f-d30e-4475-92d7-6ab320222fe7', 'session another', 'connector:keycloak'],
    ])
    assert.deepEqual(
      reports.map(({ condition, error }) => [condition, error?.code, error?.detail]),
      Array(2).fill(['impersonation', 'impersonated', impersonation]),
    )
    assert.equal(
      reasonOf(origin, 'Eyw3noc3kkeTv8pQ9P2KwuoO'),
      impersonation === 'refuse' ? 'session_revoked' : undefined,
    )
    await close()
  }
})

test('skips an unreadable event and reports it once', async () => {
  for (const unreadable of [{ ...userEvent('logout by the browser'), sessionId: 7 }, {}, null, 'x']) {
    const { recorder, origin, reports, close } = await openRecording()
    await recorder.userEvents([unreadable, unreadable, now(userEvent('logout by the browser'))])
    await recorder.userEvents([unreadable])
    assert.equal(reasonOf(origin, SID), 'session_revoked')
    assert.deepEqual(
      reports.map(({ condition, error }) => [condition, error?.code]),
      [['unreadable_event', 'connector_incomplete']],
    )
    await close()
  }
})

test('skips and reports an event if the account lacks the right to look it up, and fails if Keycloak cannot be reached', async () => {
  const nameless = now(adminEvent('client disabled without its name'))
  const session = now(adminEvent('session deleted'))
  const ended = 'uaK3e1VQvWylM-HxS7X5vluz'

  const forbidden = await openRecording({}, () => failure('missing_right', 'the account lacks view-clients'))
  await forbidden.recorder.adminEvents([nameless, session])
  assert.equal(reasonOf(forbidden.origin, ended), 'session_revoked')
  assert.deepEqual(
    forbidden.reports.map(({ condition, error }) => [condition, error?.detail]),
    [['event_details', 'missing_right']],
  )
  await forbidden.close()

  const unreachable = await openRecording()
  for (let attempt = 1; attempt < 12; attempt += 1)
    await assert.rejects(unreachable.recorder.adminEvents([session, nameless, now(adminEvent('user logged out'))]), {
      code: 'connector_failed',
      detail: 'unreachable',
    })
  assert.equal(reasonOf(unreachable.origin, ended), 'session_revoked', 'earlier events are recorded')
  assert.equal(unreachable.origin.userNotBefore('acme', '7b2c8576-fbd6-4eed-a428-d3b1bb0533b2'), 0)
  await unreachable.close()
})

test('skips and reports events whose lookup fails ten times, without delaying others', async () => {
  const { recorder, origin, reports, close } = await openRecording({}, () =>
    failure('server_error', 'the directory is down'),
  )
  const lookups = [1, 2].map((each) =>
    now({ ...adminEvent('user disabled'), id: `event ${each}`, representation: undefined }),
  )
  const events = [...lookups, now(adminEvent('session deleted'))]
  for (let attempt = 1; attempt < 10; attempt += 1)
    await assert.rejects(recorder.adminEvents(events), { detail: 'server_error' }, String(attempt))
  assert.equal(reasonOf(origin, 'uaK3e1VQvWylM-HxS7X5vluz'), 'session_revoked')
  assert.equal(reports.length, 0)
  await recorder.adminEvents(events)
  assert.deepEqual(
    reports.map(({ condition, error }) => [condition, error?.detail]),
    [['event_details', 'server_error']],
  )
  await close()
})

test('skips and reports an event for which the ledger has no room, without delaying others', async () => {
  const { recorder, origin, reports, close } = await openRecording()
  // The ledger has room for 2 MiB of client ids.
  const clients = Array.from({ length: 2_100 }, (_, each) => String(each).padStart(1_024, 'x'))
  await recorder.userEvents([
    ...clients.map((clientId) => now({ ...userEvent('client deleted by registration'), clientId })),
    now(userEvent('logout by the browser')),
  ])
  assert.equal(reasonOf(origin, SID), 'session_revoked')
  assert.deepEqual(
    reports.map(({ condition, error }) => [condition, error?.code, error?.detail]),
    [['refused_event', 'connector_incomplete', 'too_many']],
  )
  await close()
})

test('refuses events after the origin is closed, instead of losing them silently', async () => {
  const { recorder, close } = await openRecording()
  await close()
  await assert.rejects(recorder.userEvents([userEvent('logout by the browser'), userEvent('access token revoked')]), {
    code: 'closed',
  })
})
