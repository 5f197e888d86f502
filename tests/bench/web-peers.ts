// Libraries that verify by WebCrypto, in every runtime. Each gets an imported key and checks issuer, audience and
// expiry, as the gate does.

import { verify as verifyTsndr } from '@tsndr/cloudflare-worker-jwt'
import { verify as verifyHono } from 'hono/jwt'
import { importJWK, jwtVerify, type CryptoKey, type JWK } from 'jose'

/** Verifies a token; throws or rejects if it is refused. */
export type Verify = (token: string) => unknown

type HonoAlgorithm = Exclude<Parameters<typeof verifyHono>[2], object>

const OF_TSNDR = /^(?:RS|ES|HS)\d+$/

export async function webPeers(jwk: JWK, issuer: string, audience: string): Promise<Record<string, Verify>> {
  const algorithm = jwk.alg ?? ''
  const key = await importKey(jwk)
  const peers: Record<string, Verify> = {
    jose: (token) => jwtVerify(token, key, { issuer, audience, algorithms: [algorithm] }),
    hono: (token) => verifyHono(token, key, { alg: algorithm as HonoAlgorithm, iss: issuer, aud: audience }),
  }
  if (OF_TSNDR.test(algorithm)) {
    peers['@tsndr/cloudflare-worker-jwt'] = async (token) => {
      const found = await verifyTsndr(token, key, { algorithm, throwError: true })
      if (found?.payload.iss !== issuer || found.payload.aud !== audience)
        throw new Error('of another issuer or audience')
    }
  }
  return peers
}

export async function importKey(jwk: JWK): Promise<CryptoKey> {
  if (jwk.kty !== 'oct') return (await importJWK(jwk)) as CryptoKey
  const hash = `SHA-${jwk.alg?.slice(2)}`
  const { k = '', kty } = jwk
  return crypto.subtle.importKey('jwk', { kty, k }, { name: 'HMAC', hash }, false, ['verify'])
}
