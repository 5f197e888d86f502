// Tokens that are presented for revocation although no gate accepts them, and key lookups that install nothing new.

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import type { JWK } from '../../types.ts'
import { startLoading } from '../core/module.ts'
import type { RealmSettings, Settings } from '../settings.ts'
import { createTestIssuer, openStage } from '../testing/stage.ts'
import { IssuerKeys } from './issuer-keys.ts'

test("Keycloak's tokens that are bound to a client's key can be revoked", async (t) => {
  const issuer = await createTestIssuer()
  const stage = await openStage({ realms: [{ ...issuer.realm, profile: 'keycloak' }] })
  t.after(() => stage.close())
  for (const claims of [
    { typ: 'DPoP', cnf: { jkt: 'x' } },
    { typ: 'DPoP', cnf: { jkt: 'x', 'kc-jkt-type': 'DPoP' } },
    { typ: 'Bearer', cnf: { 'x5t#S256': 'x' } },
  ]) {
    const [tokenId, issuedAt] = [crypto.randomUUID(), Math.floor(Date.now() / 1000) - 10]
    const expiresAt = issuedAt + 300
    const response = await stage.revoke(
      await issuer.token({ ...claims, jti: tokenId, iat: issuedAt, exp: expiresAt, token_use: undefined }),
    )
    assert.ok(response.ok, `${JSON.stringify(claims)}: ${response.status} ${await response.text()}`)
    assert.equal(stage.origin.refuses('acme', { tokenId, issuedAt, expiresAt }), 'token_revoked')
  }
})

test('a lookup that finds the same keys, one of them for encryption, installs nothing', async () => {
  await startLoading()
  const { jwk } = await createTestIssuer()
  const encryption: JWK = {
    ...generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' }),
    kid: 'enc',
    alg: 'RSA-OAEP',
    use: 'enc',
  } as JWK
  let served = [jwk, encryption]
  let taken = 0
  const core = {
    take: () => void (taken += 1),
    skipped: () =>
      served.flatMap(({ use }, index) => (use === 'enc' ? [{ index, reason: 'not_for_verification' as const }] : [])),
  }
  let nowMs = 1_000_000
  const settings = {
    jwksMaxAgeSeconds: 300,
    jwksMaxStaleSeconds: 3_600,
    jwksTimeoutMs: 2_000,
    plainHttp: 'loopback',
    nowMs: () => nowMs,
    onReport: () => undefined,
  }
  const realm = { name: 'acme', jwks: async () => ({ keys: served }) }
  const keys = new IssuerKeys(realm as unknown as RealmSettings, settings as unknown as Settings, core, () => undefined)
  const look = async (): Promise<number> => {
    nowMs += 10_000
    await keys.look()
    return taken
  }
  await keys.reload()
  assert.deepEqual([taken, await look(), await look()], [1, 1, 1])
  served = [encryption, jwk, { ...encryption, kid: 'enc-2' }]
  assert.equal(await look(), 2, 'another key for encryption is reported')
  assert.equal(await look(), 2)
  keys.close()
})
