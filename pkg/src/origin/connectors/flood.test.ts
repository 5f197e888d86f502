// Forged messages in numbers: those that are recognised without their signature cost nothing, and the others no more than the budget.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logoutClaims, securityEventClaims, SESSION_REVOKED, tokensOfEachKind } from '../testing/keycloak-messages.ts'
import { DOORS, openReceiverStage, type ReceiverStage } from '../testing/receivers.ts'
import { createTestIssuer, until } from '../testing/stage.ts'

const LOGOUT = { typ: 'logout+jwt' }

/** Logout tokens of somebody else's key, under this `kid`; each has another signature. */
async function forgedTokens(count: number, kid: string): Promise<string[]> {
  const forger = await createTestIssuer()
  return Promise.all(Array.from({ length: count }, () => forger.sign(logoutClaims(), { ...LOGOUT, kid })))
}

async function statusOf(stage: ReceiverStage, token: string): Promise<number> {
  const response = await stage.send('backchannel-logout', token)
  await response.arrayBuffer()
  return response.status
}

async function goodStatus(stage: ReceiverStage): Promise<number> {
  return statusOf(stage, await stage.issuer.sign(logoutClaims(), LOGOUT))
}

test('messages that are refused by their form cost no verification', async (t) => {
  // One verification a second: had any of them taken it, the good message after them would have to wait more than it may.
  const stage = await openReceiverStage({ maxVerificationsPerSecond: 1 })
  t.after(() => stage.close())
  const tokens = await tokensOfEachKind(stage.issuer)
  const misplaced = [tokens['access token'], tokens['ID token'], tokens['verification'], tokens['push action']]
  const judged = [{ iss: 'https://other.test' }, { aud: undefined }, { exp: 1 }, { nonce: 'n' }, { events: {} }, { jti: undefined }]
  const wrong = await Promise.all(judged.map((members) => stage.issuer.sign(logoutClaims(members), LOGOUT)))
  for (const token of [...misplaced, ...wrong, '', 'x', 'a.b.c', 'x'.repeat(50_000), '.'.repeat(10_000), `e30.${'W10'.repeat(5_000)}.e30`]) {
    assert.equal(await statusOf(stage, token ?? ''), 400)
  }
  for (let index = 0; index < 100; index += 1) assert.equal(await statusOf(stage, crypto.randomUUID()), 400)
  assert.equal(await goodStatus(stage), 200)
})

test('nor do security events without the secret of their stream', async (t) => {
  const stage = await openReceiverStage({ maxVerificationsPerSecond: 1 })
  t.after(() => stage.close())
  const token = await stage.issuer.sign(securityEventClaims({ [SESSION_REVOKED]: {} }), { typ: 'secevent+jwt' })
  for (let index = 0; index < 20; index += 1) assert.equal((await stage.send('events', token, 'Bearer guess')).status, 400)
  assert.equal((await stage.send('events', token)).status, 202)
})

test('nor do those whose key is unknown', async (t) => {
  const stage = await openReceiverStage({ maxVerificationsPerSecond: 1 })
  t.after(() => stage.close())
  for (const token of await forgedTokens(20, 'made-up')) assert.equal(await statusOf(stage, token), 400)
  assert.equal(await goodStatus(stage), 200)
})

test('forged signatures beyond the budget are sent away, and a good message that is sent again gets through', async (t) => {
  const stage = await openReceiverStage({ maxVerificationsPerSecond: 20 })
  t.after(() => stage.close())
  const forged = await forgedTokens(300, String(stage.issuer.jwk.kid))
  const before = stage.sequence()
  const statuses: number[] = []
  const flood = Promise.all(forged.map(async (token) => statuses.push(await statusOf(stage, token))))
  await until(async () => (await goodStatus(stage)) === 200, 'a good message is taken')
  await flood
  assert.deepEqual([...new Set(statuses)].sort(), [400, 503])
  assert.equal(stage.sequence(), before + 1)
})

test('who is sent away is told when to come again', async (t) => {
  const stage = await openReceiverStage({ maxVerificationsPerSecond: 1 })
  t.after(() => stage.close())
  const forged = await forgedTokens(8, String(stage.issuer.jwk.kid))
  const responses = await Promise.all(forged.map((token) => stage.send('backchannel-logout', token)))
  const busy = responses.filter(({ status }) => status === 503)
  assert.ok(busy.length > 0)
  for (const { headers } of busy) assert.match(headers.get('retry-after') ?? '', /^[1-9]$/)
})

test('a body that is no message is refused at every door', async (t) => {
  const stage = await openReceiverStage()
  t.after(() => stage.close())
  const path = (door: string): string => `/realms/acme/${door}`
  for (const door of DOORS) {
    const form = door === 'backchannel-logout' ? 'application/x-www-form-urlencoded' : door === 'events' ? 'application/secevent+jwt' : 'text/plain'
    const headers = { 'content-type': form, authorization: 'Bearer push-secret' }
    for (const body of ['', ' ', 'logout_token=', 'logout_token=a&logout_token=b', '{"logout_token":"x"}', '\u0000']) {
      assert.equal((await stage.get(path(door), { method: 'POST', headers, body })).status, 400, `${door}: ${JSON.stringify(body)}`)
    }
    assert.equal((await stage.get(path(door), { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })).status, 400, door)
    assert.equal((await stage.get(path(door), { method: 'POST', headers, body: 'x'.repeat(100_000) })).status, 413, door)
    assert.equal((await stage.get(path(door))).status, 405, door)
  }
})
