import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LOGOUT_EVENT, logoutClaims, now } from '../../testing/keycloak-messages.ts'
import { ISSUER } from '../../testing/stage.ts'
import type { RefusalReason } from '../message-refused.ts'
import { type BackchannelLogoutSettings, judgeLogoutToken } from './backchannel-logout.ts'

const SETTINGS: BackchannelLogoutSettings = {
  issuers: [ISSUER],
  audience: 'any',
  olderTokens: 'refuse',
  scope: 'session',
}
const AT = now()

type Members = Record<string, unknown>

function judge(
  members: Members = {},
  settings: Partial<BackchannelLogoutSettings> = {},
  header: Members = { typ: 'logout+jwt' },
) {
  const claims = logoutClaims({ iat: AT, exp: AT + 120, ...members })
  return judgeLogoutToken({ token: '', header, claims, named: claims }, { ...SETTINGS, ...settings }, AT)
}

function refuses(reason: RefusalReason, ...given: Parameters<typeof judge>): void {
  assert.throws(() => judge(...given), { name: 'MessageRefused', reason }, JSON.stringify(given))
}

const DATED = { occurredAt: AT, because: 'logout token' }

describe('the effect of a logout token', () => {
  test('with sid: that session, as of iat', () => {
    assert.deepEqual(judge().revocations, [{ kind: 'session', sid: 's1', ...DATED }])
    assert.deepEqual(judge({ sub: undefined }).revocations, [{ kind: 'session', sid: 's1', ...DATED }])
  })

  test('without sid: all sessions of the user', () => {
    assert.deepEqual(judge({ sid: undefined }).revocations, [{ kind: 'user', sub: 'alice', ...DATED }])
  })

  test('with the narrower scope: the session for the clients in aud', () => {
    const { revocations } = judge({ aud: ['web', 'spa'] }, { scope: 'client_session' })
    assert.deepEqual(revocations, [
      { kind: 'clientSession', sid: 's1', client: 'web', ...DATED },
      { kind: 'clientSession', sid: 's1', client: 'spa', ...DATED },
    ])
    assert.equal(judge({ sid: undefined }, { scope: 'client_session' }).revocations[0]?.kind, 'user')
  })

  test('with the wider scope: the tokens of sub, which is required', () => {
    assert.deepEqual(judge({}, { scope: 'user' }).revocations, [{ kind: 'user', sub: 'alice', ...DATED }])
    refuses('missing_claim', { sub: undefined }, { scope: 'user' })
  })

  test('with revoke_offline_access: also the tokens of the clients in aud', () => {
    const events = { [LOGOUT_EVENT]: {}, revoke_offline_access: true }
    assert.deepEqual(judge({ events }).revocations, [
      { kind: 'session', sid: 's1', ...DATED },
      { kind: 'grant', sub: 'alice', client: 'web', ...DATED },
    ])
    assert.equal(judge({ events, sub: undefined }).revocations.length, 1)
    assert.equal(judge({ events: { ...events, revoke_offline_access: false } }).revocations.length, 1)
  })
})

describe('§2.6: a logout token is refused', () => {
  test('of another type', () => {
    for (const typ of ['JWT', 'at+jwt', 'secevent+jwt', 'logout', 7, undefined]) refuses('wrong_type', {}, {}, { typ })
    for (const typ of ['Bearer', 'ID', 'Refresh', 'Offline', null]) refuses('wrong_type', { typ })
    for (const typ of ['LOGOUT+JWT', 'application/logout+jwt']) assert.ok(judge({}, {}, { typ }))
    assert.ok(judge({ typ: undefined }))
  })

  test('of the older form, unless that is accepted', () => {
    const older = { olderTokens: 'accept' } as const
    for (const header of [{}, { typ: 'JWT' }]) {
      refuses('wrong_type', {}, {}, header)
      assert.ok(judge({}, older, header))
      refuses('wrong_type', { typ: 'Bearer' }, older, header)
      refuses('missing_claim', { events: undefined }, older, header)
    }
    for (const typ of ['at+jwt', 'secevent+jwt']) refuses('wrong_type', {}, older, { typ })
  })

  test('of another issuer', () => {
    for (const iss of [`${ISSUER}/`, ISSUER.toUpperCase()]) refuses('wrong_issuer', { iss })
    refuses('missing_claim', { iss: undefined })
    refuses('invalid_claim', { iss: [ISSUER] })
  })

  test('for a client that is not in the list', () => {
    for (const audience of [['spa'], ['web2']]) refuses('wrong_audience', {}, { audience })
    assert.ok(judge({ aud: ['app', 'web'] }, { audience: ['spa', 'web'] }))
    refuses('missing_claim', { aud: undefined })
    refuses('missing_claim', { aud: [] })
    for (const aud of ['', 7, ['web', 7], { web: true }]) refuses('invalid_claim', { aud })
  })

  test('without times, or with times that are not numbers', () => {
    for (const member of ['iat', 'exp']) {
      refuses('missing_claim', { [member]: undefined })
      refuses('missing_claim', { [member]: null })
      for (const value of [String(AT), -1, 0, Number.NaN, Infinity]) refuses('invalid_claim', { [member]: value })
    }
  })

  test('without sub and sid, or with invalid names', () => {
    refuses('missing_claim', { sub: undefined, sid: undefined })
    for (const member of ['sub', 'sid', 'jti']) {
      for (const value of ['', 7, ['alice'], 'x'.repeat(1_025), '\ud800']) refuses('invalid_claim', { [member]: value })
    }
    refuses('missing_claim', { jti: undefined })
  })

  test('without exactly the logout event', () => {
    refuses('missing_claim', { events: undefined })
    for (const events of ['logout', [LOGOUT_EVENT], 7]) refuses('invalid_claim', { events })
    for (const events of [{}, { [LOGOUT_EVENT]: true }, { [LOGOUT_EVENT]: null }, { [`${LOGOUT_EVENT}/`]: {} }])
      refuses('invalid_claim', { events })
    refuses('invalid_claim', {
      events: { [LOGOUT_EVENT]: {}, 'https://schemas.openid.net/secevent/risc/event-type/account-disabled': {} },
    })
    refuses('invalid_claim', { events: { [LOGOUT_EVENT]: {}, revoke_offline_access: 'true' } })
    assert.ok(judge({ events: { [LOGOUT_EVENT]: { reason: 'any' }, other: true } }))
  })

  test('with a nonce, like an ID token', () => {
    refuses('forbidden_claim', { nonce: 'n1' })
    refuses('forbidden_claim', { nonce: '' })
  })
})

test('judges times with a tolerance of fifteen minutes', () => {
  const of = (iat: number, exp: number) => judge({ iat: AT + iat, exp: AT + exp }).timeliness
  assert.equal(of(0, 120), 'prompt')
  assert.equal(of(-119, 1), 'old')
  assert.equal(of(-120, 0), 'expired')
  assert.equal(of(-1_020, -900), 'expired')
  assert.equal(of(900, 1_020), 'ahead')
  refuses('expired', { iat: AT - 1_021, exp: AT - 901 })
  refuses('issued_in_future', { iat: AT + 901, exp: AT + 1_021 })
  refuses('issued_in_future', { iat: AT * 1_000, exp: AT * 1_000 + 120 })
})

test('a refusal repeats nothing of the token', () => {
  const marked = {
    sub: 'MARK'.repeat(300),
    sid: 'MARK'.repeat(300),
    jti: 'MARK'.repeat(300),
    iss: 'https://MARK',
    aud: [7, 'MARK'],
    events: 'MARK',
  }
  for (const [member, value] of Object.entries(marked)) {
    assert.throws(
      () => judge({ [member]: value }),
      ({ message }: Error) => !message.includes('MARK'),
      member,
    )
  }
})
