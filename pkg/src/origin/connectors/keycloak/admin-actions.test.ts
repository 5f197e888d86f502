import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { logoutActionClaims, now, pushActionClaims } from '../../testing/keycloak-messages.ts'
import type { RefusalReason } from '../message-refused.ts'
import { type AdminActionSettings, judgeLogoutAction, judgePushAction } from './admin-actions.ts'

const SETTINGS: AdminActionSettings = { audience: 'any', scope: 'session' }
const AT = now()

type Members = Record<string, unknown>
type Given = [members?: Members, settings?: Partial<AdminActionSettings>, header?: Members]

const unverified = (header: Members, claims: Members) => ({ token: '', header, claims, named: claims })
const judgeLogout = (
  members: Members = {},
  settings: Partial<AdminActionSettings> = {},
  header: Members = { typ: 'JWT' },
) =>
  judgeLogoutAction(
    unverified(header, logoutActionClaims({ expiration: AT + 30, ...members })),
    { ...SETTINGS, ...settings },
    AT,
  )
const judgePush = (
  members: Members = {},
  settings: Partial<AdminActionSettings> = {},
  header: Members = { typ: 'JWT' },
) =>
  judgePushAction(
    unverified(header, pushActionClaims({ expiration: AT + 30, ...members })),
    { ...SETTINGS, ...settings },
    AT,
  )

function bothRefuse(reason: RefusalReason, ...given: Given): void {
  for (const judge of [judgeLogout, judgePush])
    assert.throws(() => judge(...given), { name: 'MessageRefused', reason }, JSON.stringify(given))
}

const BECAUSE = { because: 'admin action' }

describe('LOGOUT', () => {
  test('without session ids logs the realm out as of notBefore', () => {
    const realm = [{ kind: 'realm', occurredAt: AT - 1, ...BECAUSE }]
    assert.deepEqual(judgeLogout({ notBefore: AT - 1 }).revocations, realm)
    assert.deepEqual(
      judgeLogout({ notBefore: AT - 1, adapterSessionIds: null, keycloakSessionIds: [] }).revocations,
      realm,
    )
  })

  test('with session ids ends those sessions, as of the time in its id', () => {
    const named = { notBefore: 0, adapterSessionIds: ['a1', 'a2'], keycloakSessionIds: ['s1', 's2'] }
    const dated = { occurredAt: AT + 0.25, ...BECAUSE }
    assert.deepEqual(judgeLogout({ ...named, id: `221d25fd-${AT}250` }).revocations, [
      { kind: 'session', sid: 's1', ...dated },
      { kind: 'session', sid: 's2', ...dated },
    ])
    const [part] = judgeLogout({ ...named, id: `221d25fd-${AT}250` }, { scope: 'client_session' }).revocations
    assert.deepEqual(part, { kind: 'clientSession', sid: 's1', client: 'web', ...dated })
  })

  test('ends them as of its arrival if its id contains no time', () => {
    for (const id of ['221d25fd', `221d25fd-${AT - 3600}000`, `221d25fd-${AT + 31}000`, `221d25fd-${AT}`]) {
      const [session] = judgeLogout({ notBefore: 0, keycloakSessionIds: ['s1'], id }).revocations
      assert.deepEqual(session, { kind: 'session', sid: 's1', ...BECAUSE }, id)
    }
  })

  test('is refused if it names nothing known here, instead of logging out the realm', () => {
    for (const members of [{ notBefore: 0 }, { adapterSessionIds: ['a1'] }, { notBefore: 0, keycloakSessionIds: [] }]) {
      assert.throws(() => judgeLogout(members), { reason: 'invalid_claim' }, JSON.stringify(members))
    }
    for (const value of ['s1', ['s1', 7], [''], { s1: true }]) {
      assert.throws(() => judgeLogout({ keycloakSessionIds: value }), { reason: 'invalid_claim' })
      assert.throws(() => judgeLogout({ adapterSessionIds: value }), { reason: 'invalid_claim' })
    }
  })
})

describe('PUSH_NOT_BEFORE', () => {
  test("raises the client's not-before", () => {
    assert.deepEqual(judgePush({ notBefore: AT - 100 }).revocations, [
      { kind: 'client', client: 'web', occurredAt: AT - 100, ...BECAUSE },
    ])
  })

  test('without a not-before revokes nothing', () => {
    assert.deepEqual(judgePush({ notBefore: 0 }).revocations, [])
  })

  test('has no session ids', () => {
    for (const member of ['adapterSessionIds', 'keycloakSessionIds']) {
      assert.throws(() => judgePush({ [member]: ['s1'] }), { reason: 'forbidden_claim' })
    }
  })
})

describe('both are refused', () => {
  test('with any other member, since it may be another token with members added by a mapper', () => {
    for (const member of [
      'iss',
      'sub',
      'aud',
      'exp',
      'iat',
      'nbf',
      'typ',
      'azp',
      'jti',
      'sid',
      'nonce',
      'events',
      'scope',
      'client_id',
      'anything',
    ]) {
      for (const value of ['x', null, 0]) bothRefuse('forbidden_claim', { [member]: value })
    }
  })

  test('of another type', () => {
    for (const typ of ['at+jwt', 'logout+jwt', 'secevent+jwt', '', undefined]) bothRefuse('wrong_type', {}, {}, { typ })
    for (const action of ['TEST_AVAILABILITY', 'logout', undefined, null]) bothRefuse('wrong_type', { action })
    assert.throws(() => judgeLogout({ action: 'PUSH_NOT_BEFORE' }), { reason: 'wrong_type' })
    assert.throws(() => judgePush({ action: 'LOGOUT' }), { reason: 'wrong_type' })
  })

  test('for a client that is not in the list', () => {
    bothRefuse('wrong_audience', {}, { audience: ['spa'] })
    assert.ok(judgeLogout({}, { audience: ['spa', 'web'] }))
    bothRefuse('missing_claim', { resource: undefined })
    bothRefuse('invalid_claim', { resource: ['web'] })
  })

  test('without an id, an expiration or a not-before', () => {
    for (const member of ['id', 'expiration']) {
      bothRefuse('missing_claim', { [member]: undefined })
      bothRefuse('invalid_claim', { [member]: {} })
    }
    for (const notBefore of [undefined, null, -1, 1.5, String(AT), [AT]]) bothRefuse('invalid_claim', { notBefore })
  })

  test('valid for longer than a minute plus the tolerance of fifteen', () => {
    const of = (expiration: number) => judgePush({ expiration: AT + expiration }).timeliness
    assert.equal(of(30), 'prompt')
    assert.equal(of(60), 'prompt')
    assert.equal(of(66), 'ahead')
    assert.equal(of(960), 'ahead')
    assert.equal(of(0), 'expired')
    assert.equal(of(-900), 'expired')
    bothRefuse('issued_in_future', { expiration: AT + 961 })
    bothRefuse('issued_in_future', { expiration: (AT + 30) * 1_000 })
    bothRefuse('expired', { expiration: AT - 901 })
  })
})
