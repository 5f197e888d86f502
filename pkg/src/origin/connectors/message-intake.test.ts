import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { JWK } from '../index.ts'
import { failing } from '../testing/failing.ts'
import { logoutActionClaims, logoutClaims, now, pushActionClaims } from '../testing/keycloak-messages.ts'
import { openReceiverStage, type ReceiverStage } from '../testing/receivers.ts'
import { createTestIssuer, until } from '../testing/stage.ts'

let stage: ReceiverStage

beforeEach(async () => {
  stage = await openReceiverStage()
})
afterEach(() => stage.close())

const LOGOUT = { typ: 'logout+jwt' }

const logoutToken = (members: Record<string, unknown> = {}): Promise<string> =>
  stage.issuer.sign(logoutClaims(members), LOGOUT)
const refusal = (
  subject: { subject?: string; session?: string; authorizedParty?: string },
  issuedAt = now(),
): string | undefined => stage.origin.refuses('acme', { ...subject, issuedAt, expiresAt: issuedAt + 300 })

describe('effects that are recorded', () => {
  test('a session ends, and another one continues', async () => {
    assert.equal((await stage.send('backchannel-logout', await logoutToken())).status, 200)
    assert.equal(refusal({ session: 's1', subject: 'alice' }), 'session_revoked')
    assert.equal(refusal({ session: 's2', subject: 'alice' }), undefined)
  })

  test("a user's tokens are refused up to iat, and not a second later", async () => {
    const issuedAt = now()
    const token = await logoutToken({ sid: undefined, iat: issuedAt })
    assert.equal((await stage.send('backchannel-logout', token)).status, 200)
    assert.equal(refusal({ subject: 'alice' }, issuedAt), 'user_revoked')
    assert.equal(refusal({ subject: 'alice' }, issuedAt + 1), undefined)
    assert.equal(refusal({ subject: 'bob' }, issuedAt), undefined)
  })

  test('so are the tokens of the realm, and of a client', async () => {
    const notBefore = now()
    const push = await stage.issuer.sign(pushActionClaims({ notBefore }), { typ: 'JWT' })
    assert.equal((await stage.send('k_push_not_before', push)).status, 200)
    assert.equal(refusal({ authorizedParty: 'web' }, notBefore), 'client_revoked')
    assert.equal(refusal({ authorizedParty: 'spa' }, notBefore), undefined)
    const action = await stage.issuer.sign(logoutActionClaims({ notBefore }), { typ: 'JWT' })
    assert.equal((await stage.send('k_logout', action)).status, 200)
    assert.equal(refusal({ authorizedParty: 'spa' }, notBefore), 'realm_revoked')
    assert.equal(refusal({ authorizedParty: 'web' }, notBefore + 1), undefined)
  })

  test('the audit log names the connector and the kind of message', async () => {
    await stage.send('backchannel-logout', await logoutToken())
    const [line] = await stage.origin.audit.list({ realm: 'acme', limit: 1 })
    assert.deepEqual(
      [line?.action, line?.subject, line?.actor, line?.reason],
      ['session_ended', 's1', 'connector:keycloak', 'logout token'],
    )
  })
})

describe('a message that is sent again', () => {
  test('changes nothing, however often it comes', async () => {
    const token = await logoutToken({ iat: now() - 30 })
    assert.equal((await stage.send('backchannel-logout', token)).status, 200)
    const [sequence, lines] = [stage.sequence(), (await stage.origin.audit.list({ realm: 'acme', limit: 100 })).length]
    // The end of a session has the resolution of a second.
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    for (let index = 0; index < 20; index += 1)
      assert.equal((await stage.send('backchannel-logout', token)).status, 200)
    assert.equal(stage.sequence(), sequence)
    assert.equal((await stage.origin.audit.list({ realm: 'acme', limit: 100 })).length, lines)
  })

  test("does not undo an administrator's correction", async () => {
    const token = await logoutToken({ sid: undefined })
    await stage.send('backchannel-logout', token)
    await stage.origin.correct('acme', { kind: 'user', subject: 'alice' }, { reason: 'a mistake' })
    assert.equal((await stage.send('backchannel-logout', token)).status, 200)
    assert.equal(stage.origin.userNotBefore('acme', 'alice'), 0)
  })

  test("does not read the realm's not-before a second time", async () => {
    const push = await stage.issuer.sign(pushActionClaims(), { typ: 'JWT' })
    for (let index = 0; index < 3; index += 1) await stage.send('k_push_not_before', push)
    assert.equal(stage.pushes(), 1)
  })

  test('is recorded when the store failed the first time', async (t) => {
    const { store, fail } = failing()
    const other = await openReceiverStage({}, { store })
    t.after(() => other.close())
    const token = await other.issuer.sign(logoutClaims(), LOGOUT)
    fail(true)
    assert.equal((await other.send('backchannel-logout', token)).status, 500)
    fail(false)
    assert.equal((await other.send('backchannel-logout', token)).status, 200)
    assert.equal(
      other.origin.refuses('acme', { session: 's1', issuedAt: now(), expiresAt: now() + 300 }),
      'session_revoked',
    )
  })
})

describe('a clock that is wrong', () => {
  const conditions = (): (string | undefined)[] =>
    stage.reports
      .filter(({ kind, condition }) => kind === 'connector' && condition === 'clock')
      .map(({ error }) => error?.detail)

  test('records a message of an issuer that is minutes behind, and reports it once until one is on time', async () => {
    for (const sid of ['late1', 'late2']) {
      const token = await logoutToken({ sid, iat: now() - 720, exp: now() - 600 })
      assert.equal((await stage.send('backchannel-logout', token)).status, 200)
      assert.equal(refusal({ session: sid }, now() - 720), 'session_revoked')
    }
    assert.deepEqual(conditions(), ['message_expired'])
    await stage.send('backchannel-logout', await logoutToken())
    assert.deepEqual(conditions(), ['message_expired', undefined])
  })

  test('records one of an issuer that is ahead, at the time that it states', async () => {
    const issuedAt = now() + 120
    await stage.send('backchannel-logout', await logoutToken({ sid: undefined, iat: issuedAt, exp: issuedAt + 120 }))
    assert.equal(refusal({ subject: 'alice' }, issuedAt), 'user_revoked')
    assert.equal(refusal({ subject: 'alice' }, issuedAt + 1), undefined)
    assert.deepEqual(conditions(), ['message_ahead'])
  })

  test('a forged message reports nothing', async () => {
    const forger = await createTestIssuer()
    const claims = logoutClaims({ iat: now() - 720, exp: now() - 600 })
    const forged = await forger.sign(claims, { ...LOGOUT, kid: String(stage.issuer.jwk.kid) })
    assert.equal((await stage.send('backchannel-logout', forged)).status, 400)
    assert.deepEqual(conditions(), [])
  })
})

describe('keys', () => {
  test('messages with a new key wait for one shared key lookup', async (t) => {
    const next = await createTestIssuer()
    const set: JWK[] = [stage.issuer.jwk]
    let looks = 0
    const jwks = async (): Promise<{ keys: JWK[] }> => {
      looks += 1
      return { keys: [...set] }
    }
    const other = await openReceiverStage({}, { realms: [{ ...stage.issuer.realm, jwks }] })
    t.after(() => other.close())
    await until(() => looks > 0, 'the first fetch')
    const first = looks
    set.push(next.jwk)
    const tokens = await Promise.all(
      Array.from({ length: 20 }, (_, index) => next.sign(logoutClaims({ sid: `s${index}` }), LOGOUT)),
    )
    const statuses = await Promise.all(
      tokens.map(async (token) => (await other.send('backchannel-logout', token)).status),
    )
    assert.deepEqual(new Set(statuses), new Set([200]))
    assert.ok(looks - first <= 2, `${looks - first} looks`)
  })
})
