// Keys in the options of gates and origins, as parsed from JSON: null members, entries that are not keys, URLs without
// TLS.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exportJWK, generateKeyPair } from 'jose'
import { createGate } from '../entry/edge/node.ts'
import { createOrigin, generateFeedKey } from '../entry/origin/node.ts'
import type { GateOptions } from '../types.ts'
import { memoryStore } from '../origin/store/memory.ts'

const REALM = { name: 'acme', issuer: 'https://issuer.test', audience: 'api', algorithms: ['ES256'] }
const { publicKey: feedKey, signingKey } = await generateFeedKey()

function openGate(realm: object, more: object = {}): void {
  createGate({ realms: [{ ...REALM, revocation: 'unchecked', ...realm }], ...more } as GateOptions).close()
}

async function openOrigin(realm: object): Promise<void> {
  await (await createOrigin({ store: memoryStore(), signingKey, realms: [{ ...REALM, ...realm }] } as never)).close()
}

test('private members that are null count as absent, and others are refused', async () => {
  const { publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(publicKey)
  const withNulls = { ...jwk, d: null, p: null, q: null, alg: null, key_ops: null }
  openGate({ jwks: { keys: [withNulls] } })
  await openOrigin({ jwks: { keys: [withNulls] } })
  openGate({ revocation: undefined, feed: { url: 'https://origin.test/realms/acme', keys: [{ ...feedKey, d: null }] } })
  for (const name of ['d', 'p', 'q']) {
    const refusal = { code: 'invalid_option', message: /^options\.realms\[0\]\.jwks must be .* without private keys/ }
    for (const value of ['AAAA', '', 0, false]) {
      assert.throws(() => openGate({ jwks: { keys: [{ ...jwk, [name]: value }] } }), refusal, `${name} ${value}`)
      await assert.rejects(openOrigin({ jwks: { keys: [{ ...jwk, [name]: value }] } }), refusal, `${name} ${value}`)
    }
  }
  const feed = { url: 'https://origin.test/realms/acme', keys: [{ ...feedKey, d: 'AAAA' }] }
  assert.throws(() => openGate({ revocation: undefined, feed }), {
    code: 'invalid_option',
    message: /feed\.keys\[0\] must be an Ed25519 public key/,
  })
})

test('set entries that are not keys are refused, naming the path of the set', async () => {
  const refusal = { code: 'invalid_option', message: /^options\.realms\[0\]\.jwks must be / }
  for (const keys of [[null], ['x'], [1], [[]], [undefined], null, 'x', {}]) {
    assert.throws(() => openGate({ jwks: { keys } }), refusal, JSON.stringify(keys))
    await assert.rejects(openOrigin({ jwks: { keys } }), refusal, JSON.stringify(keys))
  }
  // Empty objects are keys of no algorithm.
  for (const keys of [[{}], [{ kty: null, crv: null, alg: null }], [{ kty: 'EC' }]]) {
    assert.throws(
      () => openGate({ jwks: { keys } }),
      { code: 'invalid_option', message: /^options\.realms\[0\]\.algorithms has none/ },
      JSON.stringify(keys),
    )
  }
})

test('a set at a URL without TLS is refused by gate and origin, naming its path', async () => {
  const jwks = 'http://issuer.test/keys'
  const expected = {
    code: 'invalid_option',
    message: 'options.realms[0].jwks must be an https: URL because issuer.test is not this machine; see plainHttp',
  }
  assert.throws(() => openGate({ jwks }), expected)
  assert.throws(() => openGate({ jwks: new URL(jwks) }), expected)
  await assert.rejects(openOrigin({ jwks }), expected)
  openGate({ jwks }, { plainHttp: 'anywhere' })
  openGate({ jwks: 'http://localhost:8080/keys' })
})
