// Forged JWTs cost no more than the verification budget, and those recognised without their signature cost nothing.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import '../../../entry/origin/node.ts'
import type { JWK } from '../../../types.ts'
import { startLoading } from '../../core/module.ts'
import { GlobalRevocationRefused } from '../global-revocation.ts'
import { VerificationBudget } from '../verification-budget.ts'
import { GlobalTokenRevocations } from './receiver.ts'

await startLoading()

const ISSUER = 'https://acme.okta.example'
const AUDIENCE = 'https://origin.example/realms/acme/global-token-revocation'

/**
 * The callers of a realm whose budget has one verification and is never refilled. `others`: keys with the same `kid`
 * ahead of the caller's own.
 */
async function openFrozen(others = 0) {
  const [own, other] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')]
  const pairs = [...(await Promise.all(Array.from({ length: others }, () => generateKeyPair('ES256')))), own]
  const keys = (await Promise.all(
    pairs.map(async ({ publicKey }) => ({ ...(await exportJWK(publicKey)), kid: 'k' })),
  )) as JWK[]
  const now = Math.floor(Date.now() / 1000)
  const signed = (key: CryptoKey, claims: object = {}): Promise<string> =>
    new SignJWT({
      iss: ISSUER,
      sub: 'app',
      aud: AUDIENCE,
      jti: crypto.randomUUID(),
      iat: now,
      exp: now + 300,
      ...claims,
    })
      .setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'global-token-revocation+jwt' })
      .sign(key)
  const caller = { issuer: ISSUER, jwks: { keys }, audience: AUDIENCE }
  const revocations = new GlobalTokenRevocations({
    realms: [{ name: 'acme', issuer: 'https://issuer.test', globalTokenRevocation: { callers: [caller] } }],
    fetch: () => assert.fail('nothing is fetched'),
    jwksMaxAgeSeconds: 300,
    jwksTimeoutMs: 2_000,
    maxTokenBytes: 16_384,
    onReport: () => undefined,
    nowMs: Date.now,
    budget: new VerificationBudget(1, () => 0),
  })
  const admitted = async (jwt: string): Promise<string> => {
    try {
      return await revocations.admit('acme', jwt, async () => 'admitted')
    } catch (error) {
      return error instanceof GlobalRevocationRefused ? error.reason : assert.fail(String(error))
    }
  }
  return { good: () => signed(own.privateKey), forged: (claims?: object) => signed(other.privateKey, claims), admitted }
}

test('rejects forged signatures beyond the budget', async (t) => {
  // Waiting requests do not keep a process alive.
  const alive = setInterval(() => undefined, 1_000)
  t.after(() => clearInterval(alive))
  const { forged, admitted } = await openFrozen()
  const jwts = await Promise.all(Array.from({ length: 6 }, () => forged()))
  const reasons = await Promise.all(jwts.map(admitted))
  // One at once, and two that may wait for the next seconds.
  assert.deepEqual(reasons.sort(), [
    'too_busy',
    'too_busy',
    'too_busy',
    'unauthenticated',
    'unauthenticated',
    'unauthenticated',
  ])
})

test('valid ones and those of another issuer cost nothing', async () => {
  const { good, forged, admitted } = await openFrozen()
  for (let index = 0; index < 20; index += 1) {
    assert.equal(await admitted(await good()), 'admitted')
    assert.equal(await admitted(await forged({ iss: 'https://elsewhere.example' })), 'unauthenticated')
  }
})

test('each tried key of several with one kid counts', async (t) => {
  const alive = setInterval(() => undefined, 1_000)
  t.after(() => clearInterval(alive))
  const three = await openFrozen(2)
  assert.equal(await three.admitted(await three.forged()), 'unauthenticated')
  const four = await openFrozen(3)
  assert.equal(await four.admitted(await four.forged()), 'too_busy')
})
