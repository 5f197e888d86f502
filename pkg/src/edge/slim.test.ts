// The slim module on a host without synchronous cryptography: without the host, signatures that the module leaves to it
// get no verdict.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { createGate, load } from '../entry/edge/load.ts'
import type { Algorithm, Gate, GateOptions } from '../types.ts'
import { testGrants } from './testing/grants.ts'
import { testManyTokens } from './testing/many-tokens.ts'
import { TestRealm } from './testing/realm.ts'

load(new WebAssembly.Module(readFileSync(new URL('../../wasm/edge-slim/core_bg.wasm', import.meta.url))), {
  shareFlights: true,
})

const BY_HOST: Algorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512']

test('signatures that the module cannot verify are left to the host, and without it there is no verdict', async (t) => {
  const realm = await TestRealm.start(t)
  for (const algorithm of BY_HOST) {
    const { gate, good, forged } = await gateFor(realm, algorithm)
    t.after(() => gate.close())
    const needed = {
      name: 'PortcullisError',
      code: 'host_crypto_needed',
      detail: algorithm,
      message: new RegExp(algorithm),
    }
    await gate.check('a.b.c')
    assert.throws(() => gate.checkSync(good), needed)
    assert.throws(() => gate.checkSync(forged), needed)
    assert.equal(reasonOf(await gate.check(forged)), 'bad_signature')
    assert.equal(reasonOf(await gate.check(good)), 'accepted')
    assert.equal(reasonOf(gate.checkSync(good)), 'accepted', 'the host has found its signature good')
    const cut = good.slice(0, good.lastIndexOf('.') + 5)
    assert.equal(reasonOf(gate.checkSync(cut)), 'bad_signature')
    assert.deepEqual(await failures(gate, good), [])
    assert.deepEqual(await failures(gate, forged), ['signature bad_signature'])
    assert.deepEqual(await failures(gate, cut), ['signature bad_signature'])
  }
})

test('a failing feed is reported as such, not the keys that it would carry', async (t) => {
  const realm = await TestRealm.start(t)
  const token = await realm.token()
  const { jwks: _, ...options } = realm.realmOptions()
  const gate = createGate({ ...realm.options(), realms: [options] })
  await realm.server.close()
  t.after(() => gate.close())
  assert.equal(reasonOf(await gate.check(token)), 'no_feed')
  assert.equal(reasonOf(gate.checkSync(token)), 'no_feed')
  assert.deepEqual(await failures(gate, token), ['key no_feed'])
})

test('Ed25519 needs no host', async (t) => {
  const realm = await TestRealm.start(t)
  const { gate, good, forged } = await gateFor(realm, 'EdDSA', { verifySignatures: 'rust' })
  t.after(() => gate.close())
  assert.equal(reasonOf(await gate.check(good)), 'accepted')
  assert.equal(reasonOf(gate.checkSync(good)), 'accepted')
  assert.equal(reasonOf(gate.checkSync(forged)), 'bad_signature')
})

test('a token that names none of several keys matches no key', async (t) => {
  const realm = await TestRealm.start(t)
  const { gate, unnamed } = await gateFor(realm, 'RS256', {}, 2)
  t.after(() => gate.close())
  assert.equal(reasonOf(await gate.check(unnamed)), 'unknown_key')
  assert.deepEqual(await failures(gate, unnamed), ['signature unknown_key'])
})

testGrants(createGate)
testManyTokens(createGate, 'slim')

async function gateFor(realm: TestRealm, algorithm: Algorithm, options: Partial<GateOptions> = {}, keys = 1) {
  const pairs = await Promise.all(Array.from({ length: keys }, () => generateKeyPair(algorithm, { extractable: true })))
  const jwks = await Promise.all(
    pairs.map(async ({ publicKey }, index) => ({ ...(await exportJWK(publicKey)), kid: `k${index}`, alg: algorithm })),
  )
  const base = realm.options(options, { jwks: { keys: jwks } })
  const [{ audience } = { audience: '' }] = base.realms
  const key = pairs[0]?.privateKey
  assert.ok(key !== undefined)
  const now = Math.floor(Date.now() / 1000)
  const sign = (header: object) =>
    new SignJWT({ sub: 'alice', jti: 'id', iat: now, exp: now + 300, token_use: 'access' })
      .setProtectedHeader({ alg: algorithm, typ: 'JWT', ...header })
      .setIssuer(realm.issuer)
      .setAudience(audience as string | string[])
      .sign(key)
  const good = await sign({ kid: 'k0' })
  const [header, payload, signature] = good.split('.')
  const other = Buffer.from(
    JSON.stringify({ ...JSON.parse(Buffer.from(payload ?? '', 'base64url').toString()), sub: 'mallory' }),
  )
  const forged = [header, other.toString('base64url'), signature].join('.')
  return { gate: createGate(base), good, forged, unnamed: await sign({}) }
}

/** Returns the checks that the token fails according to explain, and why. */
async function failures(gate: Gate, token: string): Promise<string[]> {
  const failed = (await gate.explain(token)).filter(({ outcome }) => outcome === 'failed')
  return failed.map(({ check, reason }) => `${check} ${reason ?? ''}`)
}

function reasonOf(verdict: { ok: true } | { ok: false; reason: string }): string {
  return verdict.ok ? 'accepted' : verdict.reason
}
