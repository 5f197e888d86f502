// Sends every kind of token that a realm signs to every receiver: each accepts only its own kind, and all others leave
// no trace.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { tokensOfEachKind } from '../testing/keycloak-messages.ts'
import { openReceiverStage, type ReceiverStage } from '../testing/receivers.ts'
import { createTestIssuer } from '../testing/stage.ts'
import { type ReceiverPath, RECEIVER_PATHS } from './receiver-paths.ts'

let stage: ReceiverStage

beforeEach(async () => {
  stage = await openReceiverStage()
})
afterEach(() => stage.close())

const OWN: Readonly<Record<string, ReceiverPath>> = {
  'logout token': 'backchannel-logout',
  'logout action': 'k_logout',
  'push action': 'k_push_not_before',
  'session-revoked': 'events',
  'credential-change': 'events',
  verification: 'events',
}

async function trace(): Promise<{ sequence: number; lines: number }> {
  return { sequence: stage.sequence(), lines: (await stage.origin.audit.list({ realm: 'acme', limit: 100 })).length }
}

test('a token at the wrong receiver gets 400 and records nothing', async () => {
  const before = await trace()
  for (const [kind, token] of Object.entries(await tokensOfEachKind(stage.issuer))) {
    for (const receiver of RECEIVER_PATHS) {
      if (OWN[kind] === receiver) continue
      const response = await stage.send(receiver, token)
      assert.equal(response.status, 400, `${kind} at ${receiver}`)
      const body = (await response.json()) as Record<string, unknown>
      assert.ok(
        receiver === 'events' ? body['err'] === 'invalid_request' : body['error'] === 'invalid_request',
        `${kind} at ${receiver}: ${JSON.stringify(body)}`,
      )
    }
  }
  assert.deepEqual(await trace(), before)
  assert.equal(stage.pushes(), 0)
})

test('also if logout tokens may have the older form', async (t) => {
  const older = await openReceiverStage({ olderLogoutTokens: 'accept' })
  t.after(() => older.close())
  const { sequence } = older
  const before = sequence()
  for (const [kind, token] of Object.entries(await tokensOfEachKind(older.issuer))) {
    if (kind === 'logout token') continue
    assert.equal((await older.send('backchannel-logout', token)).status, 400, kind)
  }
  assert.equal(sequence(), before)
})

test('a token at its own receiver is accepted', async () => {
  const tokens = await tokensOfEachKind(stage.issuer)
  for (const [kind, receiver] of Object.entries(OWN)) {
    const response = await stage.send(receiver, tokens[kind] ?? '')
    assert.equal(response.status, receiver === 'events' ? 202 : 200, `${kind}: ${await response.clone().text()}`)
    assert.equal(await response.text(), '')
    assert.match(response.headers.get('cache-control') ?? '', /no-store/)
  }
  const { lines } = await trace()
  assert.equal(lines, 6)
  assert.equal(stage.pushes(), 1)
})

test('every receiver refuses every kind of token signed by another key or altered', async () => {
  const before = await trace()
  const forger = { ...(await createTestIssuer()), jwk: stage.issuer.jwk }
  const forged = await tokensOfEachKind({
    ...forger,
    sign: (claims, header) => forger.sign(claims, { ...header, kid: String(stage.issuer.jwk.kid) }),
  })
  const good = await tokensOfEachKind(stage.issuer)
  for (const kind of Object.keys(OWN)) {
    for (const receiver of RECEIVER_PATHS) {
      const [header, claims, signature = ''] = (good[kind] ?? '').split('.')
      const changed = `${header}.${claims}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
      for (const token of [
        forged[kind] ?? '',
        changed,
        `${header}.${claims}.`,
        `${header}.${claims}`,
        `${good[kind]}.a.b`,
        '',
      ]) {
        assert.equal((await stage.send(receiver, token)).status, 400, `${kind} at ${receiver}`)
      }
    }
  }
  assert.deepEqual(await trace(), before)
})

test('refuses a token whose header names no algorithm or a symmetric one', async () => {
  const before = await trace()
  for (const [kind, receiver] of Object.entries(OWN)) {
    const [header = '', claims, signature] = (await tokensOfEachKind(stage.issuer))[kind]?.split('.') ?? []
    const members = JSON.parse(Buffer.from(header, 'base64url').toString()) as Record<string, unknown>
    for (const alg of ['none', 'HS256', 'RS256', undefined]) {
      const other = Buffer.from(JSON.stringify({ ...members, alg })).toString('base64url')
      assert.equal(
        (await stage.send(receiver, `${other}.${claims}.${signature}`)).status,
        400,
        `${kind}, ${String(alg)}`,
      )
    }
  }
  assert.deepEqual(await trace(), before)
})

test('refuses a message signed by a banned key', async () => {
  await stage.origin.banKey('acme', String(stage.issuer.jwk.kid), { force: true })
  const before = await trace()
  const tokens = await tokensOfEachKind(stage.issuer)
  for (const [kind, receiver] of Object.entries(OWN))
    assert.equal((await stage.send(receiver, tokens[kind] ?? '')).status, 400, kind)
  assert.deepEqual(await trace(), before)
})

test('a realm without a connector has no receivers', async (t) => {
  const other = await openReceiverStage({}, { connectors: [] })
  t.after(() => other.close())
  const tokens = await tokensOfEachKind(other.issuer)
  for (const [kind, receiver] of Object.entries(OWN))
    assert.equal((await other.send(receiver, tokens[kind] ?? '')).status, 404, kind)
})
