// Creates the scenario: an issuer's keys and tokens signed by jose, and an origin that serves a feed.

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTHeaderParameters } from 'jose'
import { createOrigin, generateFeedKey } from 'portcullis/origin'
import { memoryStore } from 'portcullis/origin/memory'
import { serve } from 'portcullis/origin/node'
import type { Scenario } from './suite.ts'

const ISSUER = 'https://issuer.example/realms/test'
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']

interface Stage {
  scenario: Scenario
  close(): Promise<void>
}

export async function setStage(): Promise<Stage> {
  const keys = await Promise.all(ALGORITHMS.map(makeKey))
  const jwks = { keys: keys.map((key) => key.jwk) }
  const keyServer = await serveJson(jwks)
  const { signingKey, publicKey } = await generateFeedKey()
  const origin = await createOrigin({
    store: memoryStore(),
    signingKey,
    realms: [{ name: 'test', issuer: ISSUER, audience: 'api', jwks }],
  })
  const server = await serve(origin, { port: 0 })
  const now = Math.floor(Date.now() / 1000)
  const claims = (id: string, sub = 'user') => ({
    iss: ISSUER,
    aud: 'api',
    sub,
    sid: `session-${id}`,
    jti: id,
    iat: now - 10,
    exp: now + 600,
    token_use: 'access',
  })
  const [first] = keys
  if (first === undefined) throw new Error('no key')
  const good = claims('good')
  await origin.endGrant('test', 'user', 'disconnected', { notBefore: now })
  await origin.raiseKeyNotBefore('test', first.algorithm, { notBefore: now - 100 })

  return {
    scenario: {
      realm: {
        name: 'test',
        issuer: ISSUER,
        audience: 'api',
        jwks: keyServer.url,
        feed: { url: `${server.url}/feed/test`, keys: [publicKey] },
      },
      victim: await sign(first, claims('victim', 'victim')),
      revokeUrl: `${server.url}/v1/auth/token/revoke`,
      cases: [
        ...(await Promise.all(
          keys.map(async (key) => ({
            name: key.algorithm,
            token: await sign(key, claims(key.algorithm)),
            expect: 'accepted',
          })),
        )),
        { name: 'two parts', token: 'a.b', expect: 'malformed' },
        {
          name: 'another issuer',
          token: await sign(first, { ...good, iss: 'https://other.example' }),
          expect: 'wrong_issuer',
        },
        { name: 'another audience', token: await sign(first, { ...good, aud: 'other' }), expect: 'wrong_audience' },
        { name: 'expired', token: await sign(first, { ...good, iat: now - 700, exp: now - 100 }), expect: 'expired' },
        { name: 'not yet valid', token: await sign(first, { ...good, nbf: now + 100 }), expect: 'not_yet_valid' },
        {
          name: 'issued in the future',
          token: await sign(first, { ...good, iat: now + 100 }),
          expect: 'issued_in_future',
        },
        {
          name: 'lives too long',
          token: await sign(first, { ...good, exp: now + 100_000 }),
          expect: 'lifetime_exceeded',
        },
        { name: 'no jti', token: await sign(first, { ...good, jti: undefined }), expect: 'missing_claim' },
        { name: 'a refresh token', token: await sign(first, { ...good, token_use: 'refresh' }), expect: 'wrong_type' },
        { name: 'a logout token', token: await sign(first, good, { typ: 'logout+jwt' }), expect: 'wrong_type' },
        { name: 'an unknown key', token: await sign(first, good, { kid: 'unknown' }), expect: 'unknown_key' },
        { name: 'a broken signature', token: broken(await sign(first, good)), expect: 'bad_signature' },
        {
          name: 'a disconnected app',
          token: await sign(first, { ...good, azp: 'disconnected' }),
          expect: 'grant_revoked',
        },
        {
          name: 'another app of that user',
          token: await sign(first, { ...good, azp: 'connected' }),
          expect: 'accepted',
        },
        {
          name: "from before the key's not-before",
          token: await sign(first, { ...good, iat: now - 100 }),
          expect: 'banned_key',
        },
        { name: 'alg none', token: unsigned(good), expect: 'unsupported_algorithm' },
      ],
    },
    async close() {
      await server.close()
      await origin.close()
      keyServer.server.close()
      keyServer.server.closeAllConnections()
    },
  }
}

interface Key {
  algorithm: string
  privateKey: CryptoKey
  jwk: JWK
}

async function makeKey(algorithm: string): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm)
  return { algorithm, privateKey, jwk: { ...(await exportJWK(publicKey)), kid: algorithm, alg: algorithm, use: 'sig' } }
}

function sign(key: Key, claims: Record<string, unknown>, header: Partial<JWTHeaderParameters> = {}): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: key.algorithm, kid: key.algorithm, typ: 'JWT', ...header })
    .sign(key.privateKey)
}

/** Changes the first character of the signature; form and length stay valid. */
function broken(token: string): string {
  const [header, payload, signature = ''] = token.split('.')
  return `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
}

function unsigned(claims: Record<string, unknown>): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`
}

async function serveJson(body: unknown): Promise<{ server: Server; url: string }> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { server, url: `http://127.0.0.1:${address.port}/` }
}
