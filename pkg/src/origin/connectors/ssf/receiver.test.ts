import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import {
  now,
  securityEventClaims,
  SESSION_REVOKED,
  sessionSubject,
  VERIFICATION,
} from '../../testing/keycloak-messages.ts'
import { AUTHORIZATION, openReceiverStage, type ReceiverStage } from '../../testing/receivers.ts'

let stage: ReceiverStage

beforeEach(async () => {
  stage = await openReceiverStage()
})
afterEach(() => stage.close())

const SET = { typ: 'secevent+jwt' }
const ACCOUNT_DISABLED = 'https://schemas.openid.net/secevent/risc/event-type/account-disabled'

async function error(response: Response): Promise<[status: number, err: unknown]> {
  const body = (await response.json()) as { err?: unknown; description?: unknown }
  assert.equal(typeof body.description, 'string')
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
  return [response.status, body.err]
}

test('a session that was revoked is refused', async () => {
  const event = { [SESSION_REVOKED]: { event_timestamp: now() } }
  const response = await stage.send(
    'events',
    await stage.issuer.sign(securityEventClaims(event, { sub_id: sessionSubject('s1') }), SET),
  )
  assert.deepEqual([response.status, await response.text()], [202, ''])
  const token = { session: 's1', issuedAt: now(), expiresAt: now() + 300 }
  assert.equal(stage.origin.refuses('acme', token), 'session_revoked')
  const [line] = await stage.origin.audit.list({ realm: 'acme', limit: 1 })
  assert.deepEqual([line?.actor, line?.reason], ['connector:keycloak', 'event session-revoked'])
})

test("the header must match the stream's exactly", async () => {
  const token = await stage.issuer.sign(securityEventClaims({ [VERIFICATION]: { state: 'x' } }), SET)
  for (const authorization of [
    '',
    'Bearer',
    AUTHORIZATION.toLowerCase(),
    `${AUTHORIZATION}x`,
    AUTHORIZATION.slice(0, -1),
  ]) {
    assert.deepEqual(
      await error(await stage.send('events', token, authorization)),
      [400, 'authentication_failed'],
      authorization,
    )
  }
  const headers = { 'content-type': 'application/secevent+jwt' }
  assert.deepEqual(await error(await stage.get('/realms/acme/events', { method: 'POST', headers, body: token })), [
    400,
    'authentication_failed',
  ])
  assert.equal((await stage.send('events', token)).status, 202)
})

test('a refusal has a code of RFC 8935 §2.4', async () => {
  const send = async (members: Record<string, unknown>, header: Record<string, unknown> = SET) =>
    error(
      await stage.send('events', await stage.issuer.sign(securityEventClaims({ [VERIFICATION]: {} }, members), header)),
    )
  assert.deepEqual(await send({ iss: 'https://other.test' }), [400, 'invalid_issuer'])
  assert.deepEqual(await send({ aud: 'receiver/other' }), [400, 'invalid_audience'])
  assert.deepEqual(await send({}, { ...SET, kid: 'unknown' }), [400, 'invalid_key'])
  assert.deepEqual(await send({}, { typ: 'JWT' }), [400, 'invalid_request'])
  assert.deepEqual(await send({ jti: undefined }), [400, 'invalid_request'])
})

test('an event of an unknown type is acknowledged, and reported once', async () => {
  for (let index = 0; index < 3; index += 1) {
    const response = await stage.send(
      'events',
      await stage.issuer.sign(securityEventClaims({ [ACCOUNT_DISABLED]: {} }), SET),
    )
    assert.equal(response.status, 202)
  }
  const reports = stage.reports.filter(({ kind, condition }) => kind === 'connector' && condition === 'events')
  assert.deepEqual(
    reports.map(({ error: reported }) => [reported?.code, reported?.detail]),
    [['connector_incomplete', 'unknown_event']],
  )
})
