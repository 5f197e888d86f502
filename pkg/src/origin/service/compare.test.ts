// Times compared with a not-before: the issue or the login; and a token's claim about the last logout.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createGate, type Gate } from '../../entry/edge/node.ts'
import { ADMINISTRATOR, createTestIssuer, ISSUER, openStage, type Stage, type TestIssuer } from '../testing/stage.ts'

const now = (): number => Math.floor(Date.now() / 1000)
const DAY = 86_400

function openGate(stage: Stage, compare: 'issuedAt' | 'authTime'): Gate {
  return createGate({
    realms: [
      {
        name: 'acme',
        issuer: ISSUER,
        audience: 'api',
        compare,
        feed: { url: `${stage.server.url}/feed/acme`, keys: [stage.publicKey] },
      },
    ],
    onReport: () => undefined,
  })
}

describe("with compare: 'authTime'", () => {
  let stage: Stage
  let issuer: TestIssuer
  let gate: Gate
  before(async () => {
    issuer = await createTestIssuer()
    stage = await openStage({ realms: [{ ...issuer.realm, compare: 'authTime', maxSessionSeconds: 30 * DAY }] })
    gate = openGate(stage, 'authTime')
  })
  after(async () => {
    gate.close()
    await stage.close()
  })

  test('a logout ends tokens refreshed from an older login, at the edge and at the origin', async () => {
    const login = now() - 10 * DAY
    const administrator = { ...ADMINISTRATOR, sub: 'leaver' }
    const asks = async (claims: object): Promise<number> => {
      const headers = { authorization: `Bearer ${await issuer.token({ ...administrator, ...claims })}` }
      return (await stage.get('/admin/realms/acme/edges', { headers })).status
    }
    assert.equal(await asks({ auth_time: login }), 200)
    await stage.origin.logoutUser('acme', 'leaver', { occurredAt: now() })
    await gate.refresh()
    // Issued after the not-before, but with a login before it.
    const later = now() + 1
    const refreshed = await issuer.token({ sub: 'leaver', auth_time: login, iat: later })
    assert.deepEqual(await gate.check(refreshed), { ok: false, reason: 'user_revoked', status: 401 })
    assert.equal(await asks({ auth_time: login, iat: later }), 401)
    assert.equal((await gate.check(await issuer.token({ sub: 'leaver', auth_time: later, iat: later }))).ok, true)
    assert.equal(await asks({ auth_time: later, iat: later }), 200)
  })

  test('the issuer queries with the time of the login', async () => {
    await stage.origin.logoutUser('acme', 'dora')
    const token = { subject: 'dora', issuedAt: now() + 60, expiresAt: now() + 360 }
    assert.equal(stage.origin.refuses('acme', { ...token, comparedAt: now() - DAY }), 'user_revoked')
    assert.equal(stage.origin.refuses('acme', { ...token, comparedAt: now() + 60 }), undefined)
  })

  test('keeps a not-before for the longest session', async () => {
    await stage.origin.logoutUser('acme', 'erin')
    await stage.origin.close()
    const store = stage.reopenStore()
    await store.open()
    let until = 0
    for await (const { keepUntil = 0 } of (await store.load('acme'))?.rows ?? []) until = Math.max(until, keepUntil)
    await store.close()
    const kept = until - now()
    assert.ok(kept > 30 * DAY && kept < 31 * DAY, `${kept} s`)
  })
})

describe('the claim on the last logout', () => {
  test('refuses a token if the ledger knows a later one', async () => {
    const stage = await openStage()
    const gate = openGate(stage, 'issuedAt')
    try {
      await stage.origin.logoutUser('acme', 'alice', { occurredAt: now() })
      await gate.refresh()
      const [notBefore, iat] = [stage.origin.userNotBefore('acme', 'alice'), now() + 1]
      const stale = await stage.issuer.token({ iat, last_logout_time: notBefore - 100 })
      assert.deepEqual(await gate.check(stale), { ok: false, reason: 'user_revoked', status: 401 })
      assert.equal((await gate.check(await stage.issuer.token({ iat, last_logout_time: notBefore }))).ok, true)
      assert.equal((await gate.check(await stage.issuer.token({ iat }))).ok, true)
      const asks = async (lastLogout: number): Promise<number> => {
        const token = await stage.issuer.token({ ...ADMINISTRATOR, sub: 'alice', iat, last_logout_time: lastLogout })
        return (await stage.get('/admin/realms/acme/edges', { headers: { authorization: `Bearer ${token}` } })).status
      }
      assert.equal(await asks(notBefore - 100), 401)
      assert.equal(await asks(notBefore), 200)
      const subject = { subject: 'alice', issuedAt: iat, expiresAt: iat + 300 }
      assert.equal(stage.origin.refuses('acme', { ...subject, lastLogoutTime: notBefore - 100 }), 'user_revoked')
      assert.equal(stage.origin.refuses('acme', { ...subject, lastLogoutTime: notBefore }), undefined)
    } finally {
      gate.close()
      await stage.close()
    }
  })
})
