import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  CREDENTIAL_CHANGE,
  now,
  securityEventClaims,
  SESSION_REVOKED,
  sessionSubject,
  STREAM_AUDIENCE,
  userSubject,
  VERIFICATION,
} from '../../testing/keycloak-messages.ts'
import { ISSUER } from '../../testing/stage.ts'
import type { RefusalReason } from '../message-refused.ts'
import { judgeSecurityEvent, type SecurityEventSettings } from './events.ts'

const SETTINGS: SecurityEventSettings = {
  issuers: [ISSUER],
  audience: STREAM_AUDIENCE,
  passwordReset: 'user',
  passwordChanged: 'ignore',
}
const AT = now()

type Members = Record<string, unknown>

const revoked = (event: Members = {}): Members => ({ [SESSION_REVOKED]: { event_timestamp: AT - 5, ...event } })
const changed = (event: Members = {}): Members => ({
  [CREDENTIAL_CHANGE]: { event_timestamp: AT - 5, initiating_entity: 'admin', ...event },
})

function judge(
  events: Members,
  members: Members = {},
  settings: Partial<SecurityEventSettings> = {},
  header: Members = { typ: 'secevent+jwt' },
) {
  const claims = securityEventClaims(events, { iat: AT, ...members })
  return judgeSecurityEvent({ token: '', header, claims, named: claims }, { ...SETTINGS, ...settings }, AT)
}

function refuses(reason: RefusalReason, ...given: Parameters<typeof judge>): void {
  assert.throws(() => judge(...given), { name: 'MessageRefused', reason }, JSON.stringify(given))
}

const USER = { kind: 'user', sub: 'alice', occurredAt: AT - 5 }

describe('session-revoked', () => {
  const because = 'event session-revoked'

  test('ends the session that it names, at the time of the event', () => {
    const session = { kind: 'session', sid: 's1', occurredAt: AT - 5, because }
    assert.deepEqual(judge(revoked(), { sub_id: sessionSubject('s1') }).revocations, [session])
    assert.deepEqual(judge(revoked(), { sub_id: { format: 'opaque', id: 's1' } }).revocations, [session])
    const byMail = {
      format: 'complex',
      user: { format: 'email', email: 'a@example.com' },
      session: { format: 'opaque', id: 's1' },
    }
    assert.deepEqual(judge(revoked(), { sub_id: byMail }).revocations, [session])
  })

  test('ends all sessions of the user if it names ALL, or no session', () => {
    for (const sub_id of [sessionSubject('ALL'), { format: 'complex', user: userSubject() }, userSubject()]) {
      assert.deepEqual(judge(revoked(), { sub_id }).revocations, [{ ...USER, because }])
    }
  })

  test('without a time of its own happened when the token was issued', () => {
    assert.equal(judge(revoked({ event_timestamp: undefined })).revocations[0]?.occurredAt, AT)
  })

  test('is refused with an invalid time', () => {
    for (const event_timestamp of ['now', -1, {}]) refuses('invalid_claim', revoked({ event_timestamp }))
    refuses('issued_in_future', revoked({ event_timestamp: AT * 1_000 }))
  })
})

describe('credential-change', () => {
  const because = 'event credential-change'

  test('by an administrator refuses the user by default', () => {
    assert.deepEqual(judge(changed()).revocations, [{ ...USER, because }])
    assert.deepEqual(judge(changed({ initiating_entity: undefined })).revocations, [{ ...USER, because }])
    assert.deepEqual(judge(changed(), {}, { passwordReset: 'ignore' }).revocations, [])
  })

  test('by the user refuses the user by option', () => {
    const own = changed({ initiating_entity: 'user' })
    assert.deepEqual(judge(own).revocations, [])
    assert.deepEqual(judge(own, {}, { passwordChanged: 'user' }).revocations, [{ ...USER, because }])
  })

  test('names a user', () => {
    refuses('missing_claim', changed(), { sub_id: { format: 'opaque', id: 's1' } })
  })
})

describe('other events', () => {
  test('a verification revokes nothing', () => {
    const { revocations, types } = judge(
      { [VERIFICATION]: { state: 'hello' } },
      { sub_id: { format: 'opaque', id: 'stream' } },
    )
    assert.deepEqual({ revocations, types }, { revocations: [], types: 'known' })
  })

  test('an event of an unknown type revokes nothing, and the others still count', () => {
    const unknown = { 'https://schemas.openid.net/secevent/risc/event-type/account-disabled': {} }
    assert.deepEqual(
      { ...judge(unknown), id: '' },
      { issuer: ISSUER, id: '', timeliness: 'prompt', revocations: [], types: 'unknown' },
    )
    const both = judge({ ...unknown, ...revoked() })
    assert.deepEqual([both.types, both.revocations.length], ['unknown', 1])
  })
})

describe('a security event token is refused', () => {
  test('of another type', () => {
    for (const typ of ['JWT', 'at+jwt', 'logout+jwt', undefined]) refuses('wrong_type', revoked(), {}, {}, { typ })
    assert.ok(judge(revoked(), {}, {}, { typ: 'application/secevent+jwt' }))
  })

  test('with claims of other tokens', () => {
    refuses('forbidden_claim', revoked(), { exp: AT + 60 })
    refuses('forbidden_claim', revoked(), { sub: 'alice' })
  })

  test('of another issuer or stream', () => {
    refuses('wrong_issuer', revoked(), { iss: 'https://other.test' })
    refuses('wrong_audience', revoked(), { aud: 'receiver/other' })
    refuses('missing_claim', revoked(), { aud: undefined })
    assert.ok(judge(revoked(), { aud: ['receiver/other', STREAM_AUDIENCE] }))
    assert.ok(judge(revoked(), { aud: undefined }, { audience: undefined }))
  })

  test('without jti, iat or events', () => {
    for (const member of ['jti', 'iat', 'events']) refuses('missing_claim', revoked(), { [member]: undefined })
    refuses('missing_claim', {})
    for (const events of ['x', [SESSION_REVOKED], { [SESSION_REVOKED]: true }])
      refuses('invalid_claim', revoked(), { events })
  })

  test('with a foreign subject, or one of an unknown form', () => {
    refuses('wrong_issuer', revoked(), { sub_id: { ...userSubject(), iss: 'https://other.test' } })
    refuses('wrong_issuer', revoked(), {
      sub_id: { ...sessionSubject('s1'), user: { ...userSubject(), iss: 'https://other.test' } },
    })
    refuses('missing_claim', revoked(), { sub_id: undefined })
    refuses('missing_claim', revoked(), { sub_id: { format: 'iss_sub', iss: ISSUER } })
    refuses('missing_claim', revoked(), { sub_id: { format: 'complex', session: { format: 'opaque', id: 'ALL' } } })
    const forms = [
      {},
      { format: 'email', email: 'a@example.com' },
      { format: 'complex' },
      { format: 'complex', user: 'alice' },
      { user: userSubject() },
    ]
    for (const sub_id of forms) refuses('invalid_claim', revoked(), { sub_id })
  })
})

test('accepts an old token, because it is resent until accepted, but not one from the future', () => {
  assert.equal(judge(revoked(), { iat: AT - 86_400 }).timeliness, 'old')
  assert.equal(judge(revoked(), { iat: AT + 900 }).timeliness, 'ahead')
  refuses('issued_in_future', revoked(), { iat: AT + 901 })
})
