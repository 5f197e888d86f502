// Floods of forged messages: those recognised without their signature cost nothing, and the others no more than the
// budget.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logoutClaims, securityEventClaims, SESSION_REVOKED, tokensOfEachKind } from '../testing/keycloak-messages.ts'
import { openReceiverStage, type ReceiverStage } from '../testing/receivers.ts'
import { createTestIssuer, ISSUER, until } from '../testing/stage.ts'
import type { Connector } from './connector.ts'
import { MessageIntake } from './message-intake.ts'
import { backchannelLogout } from './oidc/backchannel-logout.ts'
import { RECEIVER_PATHS } from './receiver-paths.ts'
import { VerificationBudget } from './verification-budget.ts'

const LOGOUT = { typ: 'logout+jwt' }

/** Logout tokens signed by a foreign key under this `kid`, each with a different signature. */
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

/** Its budget has one verification and is never refilled. */
async function openFrozenStage(): Promise<ReceiverStage> {
  const budget = new VerificationBudget(1, () => 0)
  const connector: Connector = {
    name: 'test',
    realm: 'acme',
    connect: (host) => ({
      receivers: {
        backchannelLogout: backchannelLogout(new MessageIntake({ host, connector: 'test', budget }), {
          issuers: [ISSUER],
          audience: 'any',
          olderTokens: 'refuse',
          scope: 'session',
        }),
      },
      start: () => undefined,
      close: async () => undefined,
    }),
  }
  return openReceiverStage({}, { connectors: [connector] })
}

/** Requires that the one verification is still available. */
async function requireUnspent(stage: ReceiverStage): Promise<void> {
  const tokens = await Promise.all(Array.from({ length: 5 }, () => stage.issuer.sign(logoutClaims(), LOGOUT)))
  const statuses = await Promise.all(tokens.map((token) => statusOf(stage, token)))
  // One at once, and two that may wait for the next seconds.
  assert.deepEqual(statuses.sort(), [200, 200, 200, 503, 503])
}

test('messages refused for their form cost no verification', async (t) => {
  const stage = await openFrozenStage()
  t.after(() => stage.close())
  const tokens = await tokensOfEachKind(stage.issuer)
  const misplaced = [tokens['access token'], tokens['ID token'], tokens['verification'], tokens['push action']]
  const judged = [
    { iss: 'https://other.test' },
    { aud: undefined },
    { exp: 1 },
    { nonce: 'n' },
    { events: {} },
    { jti: undefined },
  ]
  const wrong = await Promise.all(judged.map((members) => stage.issuer.sign(logoutClaims(members), LOGOUT)))
  const garbage = ['', 'x', 'a.b.c', 'x'.repeat(50_000), '.'.repeat(10_000), `e30.${'W10'.repeat(5_000)}.e30`]
  for (const token of [...misplaced, ...wrong, ...garbage]) assert.equal(await statusOf(stage, token ?? ''), 400)
  for (let index = 0; index < 100; index += 1) assert.equal(await statusOf(stage, crypto.randomUUID()), 400)
  await requireUnspent(stage)
})

test('messages with an unknown key or another algorithm cost no verification', async (t) => {
  const stage = await openFrozenStage()
  t.after(() => stage.close())
  for (const token of await forgedTokens(20, 'made-up')) assert.equal(await statusOf(stage, token), 400)
  const [, claims, signature] = (await stage.issuer.sign(logoutClaims(), LOGOUT)).split('.')
  const header = Buffer.from(JSON.stringify({ ...LOGOUT, alg: 'RS256', kid: stage.issuer.jwk.kid })).toString(
    'base64url',
  )
  for (let index = 0; index < 20; index += 1)
    assert.equal(await statusOf(stage, `${header}.${claims}.${signature}`), 400)
  await requireUnspent(stage)
})

test('security events without the secret of their stream cost no verification', async (t) => {
  const stage = await openReceiverStage({ maxVerificationsPerSecond: 1 })
  t.after(() => stage.close())
  const token = await stage.issuer.sign(securityEventClaims({ [SESSION_REVOKED]: {} }), { typ: 'secevent+jwt' })
  const guesses = await Promise.all(Array.from({ length: 20 }, () => stage.send('events', token, 'Bearer guess')))
  assert.deepEqual(new Set(guesses.map(({ status }) => status)), new Set([400]))
  assert.equal((await stage.send('events', token)).status, 202)
})

test('forged signatures beyond the budget are rejected, and a resent valid message is accepted', async (t) => {
  const stage = await openReceiverStage({ maxVerificationsPerSecond: 20 })
  t.after(() => stage.close())
  const forged = await forgedTokens(300, String(stage.issuer.jwk.kid))
  const before = stage.sequence()
  const statuses: number[] = []
  const flood = Promise.all(forged.map(async (token) => statuses.push(await statusOf(stage, token))))
  await until(async () => (await goodStatus(stage)) === 200, 'a valid message is accepted')
  await flood
  assert.deepEqual([...new Set(statuses)].sort(), [400, 503])
  assert.equal(stage.sequence(), before + 1)
})

test('a refusal states when to resend the message', async (t) => {
  const stage = await openReceiverStage({ maxVerificationsPerSecond: 1 })
  t.after(() => stage.close())
  const forged = await forgedTokens(8, String(stage.issuer.jwk.kid))
  const responses = await Promise.all(forged.map((token) => stage.send('backchannel-logout', token)))
  const busy = responses.filter(({ status }) => status === 503)
  assert.ok(busy.length > 0)
  for (const { headers } of busy) assert.match(headers.get('retry-after') ?? '', /^[1-9]$/)
})

test('every receiver refuses a body that is not a message', async (t) => {
  const stage = await openReceiverStage()
  t.after(() => stage.close())
  const path = (receiver: string): string => `/realms/acme/${receiver}`
  for (const receiver of RECEIVER_PATHS) {
    const form =
      receiver === 'backchannel-logout'
        ? 'application/x-www-form-urlencoded'
        : receiver === 'events'
          ? 'application/secevent+jwt'
          : 'text/plain'
    const headers = { 'content-type': form, authorization: 'Bearer push-secret' }
    for (const body of ['', ' ', 'logout_token=', 'logout_token=a&logout_token=b', '{"logout_token":"x"}', '\u0000']) {
      assert.equal(
        (await stage.get(path(receiver), { method: 'POST', headers, body })).status,
        400,
        `${receiver}: ${JSON.stringify(body)}`,
      )
    }
    assert.equal(
      (await stage.get(path(receiver), { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }))
        .status,
      400,
      receiver,
    )
    assert.equal(
      (await stage.get(path(receiver), { method: 'POST', headers, body: 'x'.repeat(100_000) })).status,
      413,
      receiver,
    )
    assert.equal((await stage.get(path(receiver))).status, 405, receiver)
  }
})
