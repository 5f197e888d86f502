// Every kind of token that a realm signs, at every door: only a door's own kind is taken, and all else leaves no trace.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { tokensOfEachKind } from '../testing/keycloak-messages.ts'
import { openReceiverStage, type ReceiverStage } from '../testing/receivers.ts'
import { type Door, DOORS } from './doors.ts'
import { createTestIssuer } from '../testing/stage.ts'

let stage: ReceiverStage

beforeEach(async () => {
  stage = await openReceiverStage()
})
afterEach(() => stage.close())

const OWN: Readonly<Record<string, Door>> = {
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

test('a token at a wrong door is 400 and records nothing', async () => {
  const before = await trace()
  for (const [kind, token] of Object.entries(await tokensOfEachKind(stage.issuer))) {
    for (const door of DOORS) {
      if (OWN[kind] === door) continue
      const response = await stage.send(door, token)
      assert.equal(response.status, 400, `${kind} at ${door}`)
      const body = (await response.json()) as Record<string, unknown>
      assert.ok(door === 'events' ? body['err'] === 'invalid_request' : body['error'] === 'invalid_request', `${kind} at ${door}: ${JSON.stringify(body)}`)
    }
  }
  assert.deepEqual(await trace(), before)
  assert.equal(stage.pushes(), 0)
})

test('so it is where logout tokens may have the older form', async (t) => {
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

test('a token at its own door is taken', async () => {
  const tokens = await tokensOfEachKind(stage.issuer)
  for (const [kind, door] of Object.entries(OWN)) {
    const response = await stage.send(door, tokens[kind] ?? '')
    assert.equal(response.status, door === 'events' ? 202 : 200, `${kind}: ${await response.clone().text()}`)
    assert.equal(await response.text(), '')
    assert.match(response.headers.get('cache-control') ?? '', /no-store/)
  }
  const { lines } = await trace()
  assert.equal(lines, 6)
  assert.equal(stage.pushes(), 1)
})

test('every kind of token by another key is refused at every door, and so is one that was changed', async () => {
  const before = await trace()
  const forger = { ...(await createTestIssuer()), jwk: stage.issuer.jwk }
  const forged = await tokensOfEachKind({ ...forger, sign: (claims, header) => forger.sign(claims, { ...header, kid: String(stage.issuer.jwk.kid) }) })
  const good = await tokensOfEachKind(stage.issuer)
  for (const kind of Object.keys(OWN)) {
    for (const door of DOORS) {
      const [header, claims, signature = ''] = (good[kind] ?? '').split('.')
      const changed = `${header}.${claims}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
      for (const token of [forged[kind] ?? '', changed, `${header}.${claims}.`, `${header}.${claims}`, `${good[kind]}.a.b`, '']) {
        assert.equal((await stage.send(door, token)).status, 400, `${kind} at ${door}`)
      }
    }
  }
  assert.deepEqual(await trace(), before)
})

test('a token whose header names no algorithm, or one of a shared secret, is refused', async () => {
  const before = await trace()
  for (const [kind, door] of Object.entries(OWN)) {
    const [header = '', claims, signature] = (await tokensOfEachKind(stage.issuer))[kind]?.split('.') ?? []
    const members = JSON.parse(Buffer.from(header, 'base64url').toString()) as Record<string, unknown>
    for (const alg of ['none', 'HS256', 'RS256', undefined]) {
      const other = Buffer.from(JSON.stringify({ ...members, alg })).toString('base64url')
      assert.equal((await stage.send(door, `${other}.${claims}.${signature}`)).status, 400, `${kind}, ${String(alg)}`)
    }
  }
  assert.deepEqual(await trace(), before)
})

test('a message by a banned key is refused', async () => {
  await stage.origin.banKey('acme', String(stage.issuer.jwk.kid), { force: true })
  const before = await trace()
  const tokens = await tokensOfEachKind(stage.issuer)
  for (const [kind, door] of Object.entries(OWN)) assert.equal((await stage.send(door, tokens[kind] ?? '')).status, 400, kind)
  assert.deepEqual(await trace(), before)
})

test('a realm without a connector has no doors', async (t) => {
  const other = await openReceiverStage({}, { connectors: [] })
  t.after(() => other.close())
  const tokens = await tokensOfEachKind(other.issuer)
  for (const [kind, door] of Object.entries(OWN)) assert.equal((await other.send(door, tokens[kind] ?? '')).status, 404, kind)
})
