import {
  calculateJwkThumbprint,
  type CompactJWSHeaderParameters,
  exportJWK,
  generateKeyPair,
  importJWK,
  jwtVerify,
  type JWTPayload,
  SignJWT,
} from 'jose'
import type { JWK, JWKS } from '../../types.ts'
import type { Tables } from './tables.ts'
import type { DevAlgorithm } from './types.ts'

const RSA_BITS = 2_048

interface SigningKey {
  kid: string
  algorithm: string
  publicJwk: JWK & { kty: string }
  key: CryptoKey
}

/** The issuer's keys, kept over restarts. The newest one of the algorithm asked for signs; all verify. */
export interface IssuerKeys {
  /** Without the private parts. */
  jwks(): JWKS
  sign(claims: JWTPayload): Promise<string>
  /** The claims of a token that this issuer signed; `undefined` for all else. `expired: 'accept'` is for logout hints. */
  verify(token: string, options: { issuer: string; expired: 'refuse' | 'accept' }): Promise<JWTPayload | undefined>
}

export async function openKeys(tables: Tables, algorithm: DevAlgorithm, now: number): Promise<IssuerKeys> {
  if (!tables.keys().some((key) => key.algorithm === algorithm)) tables.addKey(await generate(algorithm), now)
  const keys = await Promise.all(tables.keys().map(load))
  const current = keys.find((key) => key.algorithm === algorithm)
  if (current === undefined) throw new Error('the key that was just made is not there')
  return {
    jwks: () => ({ keys: keys.map((key) => key.publicJwk) }),
    sign: (claims) => new SignJWT(claims).setProtectedHeader({ alg: current.algorithm, kid: current.kid, typ: 'JWT' }).sign(current.key),
    async verify(token, { issuer, expired }) {
      try {
        const options = expired === 'accept' ? { issuer, currentDate: new Date(0) } : { issuer }
        const keyOf = async ({ kid, alg }: CompactJWSHeaderParameters): Promise<CryptoKey | Uint8Array> =>
          importJWK(publicOf(keys, kid, alg), alg)
        const { payload } = await jwtVerify(token, keyOf, options)
        return payload
      } catch {
        return undefined
      }
    },
  }
}

function publicOf(keys: readonly SigningKey[], kid: string | undefined, algorithm: string): JWK & { kty: string } {
  const found = keys.find((key) => key.kid === kid && key.algorithm === algorithm)
  if (found === undefined) throw new Error('no such key')
  return found.publicJwk
}

async function generate(algorithm: DevAlgorithm): Promise<{ kid: string; algorithm: string; privateJwk: string }> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true, modulusLength: RSA_BITS })
  const jwk = await exportJWK(privateKey)
  return { kid: await calculateJwkThumbprint(jwk), algorithm, privateJwk: JSON.stringify(jwk) }
}

async function load({ kid, algorithm, privateJwk }: { kid: string; algorithm: string; privateJwk: string }): Promise<SigningKey> {
  const jwk = JSON.parse(privateJwk) as JWK & { kty: string }
  const { kty, crv, x, y, n, e } = jwk
  const parts = Object.fromEntries(Object.entries({ crv, x, y, n, e }).filter(([, value]) => value !== undefined))
  const key = (await importJWK(jwk, algorithm)) as CryptoKey
  return { kid, algorithm, key, publicJwk: { kty, ...parts, kid, alg: algorithm, use: 'sig' } }
}
