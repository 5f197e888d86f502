// Tests the tables of www/docs/claims.md with tokens signed by jose.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CompactSign, exportJWK, generateKeyPair } from 'jose'
import { createGate } from '../entry/edge/node.ts'
import type { AnyGateOptions } from '../types.ts'

const ISSUER = 'https://issuer.example'
const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const KEY = { ...(await exportJWK(publicKey)), kid: 'k' }
const NOW = Math.floor(Date.now() / 1000)

/** Returns the verdict on a token with the usual claims, followed by these members as JSON. */
async function verdict(members: string, realm: object = {}, header: object = {}): Promise<string> {
  const usual: Record<string, unknown> = { iss: ISSUER, aud: 'api', sub: 'alice', jti: 'j', iat: NOW, exp: NOW + 300 }
  for (const name of Object.keys(JSON.parse(`{${members}}`) as object)) delete usual[name]
  const text = `${JSON.stringify(usual).slice(0, -1)},${members}}`
  const token = await new CompactSign(new TextEncoder().encode(text))
    .setProtectedHeader({ alg: 'ES256', kid: 'k', ...header })
    .sign(privateKey)
  const base = { name: 'shop', issuer: ISSUER, audience: 'api', jwks: { keys: [KEY] }, revocation: 'unchecked' }
  const gate = createGate({ realms: [{ ...base, ...realm }], onReport: () => undefined } as AnyGateOptions)
  try {
    const { ok, ...found } = await gate.check(token)
    return ok ? 'accepted' : (found as { reason: string }).reason
  } finally {
    gate.close()
  }
}

test('null counts as absent', async () => {
  assert.equal(await verdict('"aud":null', { audience: 'none' }), 'accepted')
  assert.equal(await verdict('"aud":null'), 'wrong_audience')
  for (const name of ['sid', 'azp', 'client_id', 'nbf', 'token_version', 'scope', 'cnf', 'auth_time', 'act'])
    assert.equal(await verdict(`"${name}":null`), 'accepted', name)
  for (const name of ['exp', 'iat', 'sub', 'jti']) assert.equal(await verdict(`"${name}":null`), 'missing_claim', name)
  assert.equal(await verdict('"a":1', {}, { kid: null, typ: null }), 'accepted')
  assert.equal(await verdict('"aud":["api",null]'), 'malformed')
})

test('numeric ids, by numericIds', async () => {
  for (const id of ['42', '0', '-7', '9007199254740991', '-9007199254740991']) {
    for (const name of ['sub', 'jti', 'sid', 'azp', 'client_id']) {
      assert.equal(await verdict(`"${name}":${id}`), 'malformed', `${name} ${id}`)
      assert.equal(await verdict(`"${name}":${id}`, { numericIds: 'accept' }), 'accepted', `${name} ${id}`)
    }
  }
  for (const id of ['1.0', '1e2', '-0', '9007199254740992', '-9007199254740992']) {
    assert.equal(await verdict(`"sub":${id}`, { numericIds: 'accept' }), 'malformed', id)
  }
})
