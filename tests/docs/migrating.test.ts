// The page about migration from other libraries: jose's error for a token, and the gate's reason.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { createLocalJWKSet, errors, exportJWK, generateKeyPair, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { createGate } from 'portcullis/edge'
import { createOrigin, generateFeedKey, type JWKS } from 'portcullis/origin'
import { memoryStore } from 'portcullis/origin/memory'
import { serve } from 'portcullis/origin/node'

const ISSUER = 'https://issuer.example'
const PAGE = readFileSync(new URL('../../www/docs/migrating.md', import.meta.url), 'utf8')

test('each row of the table: jose’s error and the gate’s reason', async (t) => {
  const [key, other] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')]
  const jwks = { keys: [{ ...(await exportJWK(key.publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }] }
  const { signingKey, publicKey } = await generateFeedKey()
  const realm = { name: 'acme', issuer: ISSUER, audience: 'api', jwks: jwks as JWKS }
  const origin = await createOrigin({ store: memoryStore(), signingKey, realms: [realm] })
  const server = await serve(origin, { port: 0 })
  const gate = createGate({ realms: [{ ...realm, feed: { url: `${server.url}/feed/acme`, keys: [publicKey] } }] })
  t.after(async () => {
    gate.close()
    await server.close()
    await origin.close()
  })

  const now = Math.floor(Date.now() / 1000)
  const sign = (claims: JWTPayload = {}, { kid = 'k', by = key.privateKey } = {}): Promise<string> =>
    new SignJWT({ iss: ISSUER, aud: 'api', sub: 'u', jti: 'id', iat: now, exp: now + 600, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid })
      .sign(by)
  const tokens: Record<string, string> = {
    ERR_JWT_EXPIRED: await sign({ iat: now - 1200, exp: now - 600 }),
    'ERR_JWT_CLAIM_VALIDATION_FAILED aud': await sign({ aud: 'billing' }),
    'ERR_JWT_CLAIM_VALIDATION_FAILED iss': await sign({ iss: 'https://other.example' }),
    'ERR_JWT_CLAIM_VALIDATION_FAILED nbf': await sign({ nbf: now + 300 }),
    ERR_JWS_SIGNATURE_VERIFICATION_FAILED: await sign({}, { by: other.privateKey }),
    ERR_JWKS_NO_MATCHING_KEY: await sign({}, { kid: 'unknown' }),
    ERR_JWS_INVALID: 'not.a.token',
  }
  const found = await Promise.all(
    Object.values(tokens).map(async (token) => {
      const thrown: unknown = await jwtVerify(token, createLocalJWKSet(jwks), {
        issuer: ISSUER,
        audience: 'api',
      }).catch((error: unknown) => error)
      assert.ok(thrown instanceof errors.JOSEError)
      const verdict = await gate.check(token)
      return [
        `${thrown.code}${thrown instanceof errors.JWTClaimValidationFailed ? ` ${thrown.claim}` : ''}`,
        verdict.ok ? 'accepted' : verdict.reason,
      ]
    }),
  )
  const matches = [...PAGE.matchAll(/^\| `(ERR_\w+)`(?:, claim `(\w+)`)? \| `(\w+)` \|$/gm)]
  const rows = matches.map(([, code, claim, reason]) => [claim === undefined ? code : `${code} ${claim}`, reason])
  assert.deepEqual(
    found.map(([code]) => code),
    Object.keys(tokens),
  )
  assert.deepEqual(rows, found)
})
