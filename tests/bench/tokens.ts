// Access tokens as an issuer creates them, and strings as a request's header returns them.

import { randomUUID } from 'node:crypto'
import {
  calculateJwkThumbprint,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  generateSecret,
  SignJWT,
  type CryptoKey,
  type JWK,
} from 'jose'

export const ISSUER = 'https://issuer.example/realms/bench'
export const AUDIENCE = 'api'
/** Distinct tokens in each set: about as many as an edge sees in a second or two. */
export const TOKENS = 1_000

export interface Key {
  algorithm: string
  privateKey: CryptoKey
  /** The verification key: the public key, or the secret itself. */
  jwk: JWK
  /** The same key in the form that Node packages take. */
  pem: string | Buffer
  thumbprint: string
}

export async function makeKey(algorithm: string): Promise<Key> {
  const jwkOf = async (key: CryptoKey): Promise<JWK> => ({
    ...(await exportJWK(key)),
    kid: `${algorithm}-key`,
    alg: algorithm,
    use: 'sig',
  })
  if (algorithm.startsWith('HS')) {
    const secret = (await generateSecret(algorithm, { extractable: true })) as CryptoKey
    const jwk = await jwkOf(secret)
    return {
      algorithm,
      privateKey: secret,
      jwk,
      pem: Buffer.from(jwk.k ?? '', 'base64url'),
      thumbprint: await calculateJwkThumbprint(jwk),
    }
  }
  const { privateKey, publicKey } = await generateKeyPair(algorithm)
  const jwk = await jwkOf(publicKey)
  return { algorithm, privateKey, jwk, pem: await exportSPKI(publicKey), thumbprint: await calculateJwkThumbprint(jwk) }
}

/** Returns claims as in tokens of Keycloak and other issuers. */
export function claimsOf(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000)
  return {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: randomUUID(),
    sid: randomUUID(),
    jti: randomUUID(),
    azp: 'demo',
    // Older than all entries of this run's feeds, because a gate skips filters for tokens younger than them.
    iat: now - 600,
    exp: now + 3600,
    token_use: 'access',
    scope: 'openid profile email',
    realm_access: { roles: ['user', 'offline_access'] },
    preferred_username: 'alice',
    ...changes,
  }
}

/** Makes distinct tokens, as bytes. `changes` returns the special claims of the token with a given number. */
export function mint(
  key: Key,
  count = TOKENS,
  changes: (number: number) => Record<string, unknown> = () => ({}),
): Promise<Buffer[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, number) => {
      const header = { alg: key.algorithm, kid: key.jwk.kid ?? '', typ: 'JWT' }
      return Buffer.from(await new SignJWT(claimsOf(changes(number))).setProtectedHeader(header).sign(key.privateKey))
    }),
  )
}

/**
 * Returns new strings with the same contents. A header gives a new string with every request. A string that was looked
 * up before has a cached hash, and measuring it would leave out a third of the work.
 */
export function freshly(tokens: readonly Buffer[]): string[] {
  return tokens.map((token) => token.toString('latin1'))
}
