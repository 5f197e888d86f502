// Key pairs and signatures by `node:crypto`, which is independent of the core.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { Algorithm, JWK } from '../types.ts'

export interface Pair {
  algorithm: Algorithm
  publicKey: KeyObject
  privateKey: KeyObject
}

const CURVES: Partial<Record<Algorithm, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }

export function makePair(
  algorithm: Algorithm,
  rsa: { modulusLength: number; publicExponent?: number } = { modulusLength: 2048 },
): Pair {
  const { publicKey, privateKey } = generate(algorithm, rsa)
  return {
    algorithm,
    publicKey: createPublicKey({ key: publicKey, ...SPKI }),
    privateKey: createPrivateKey({ key: privateKey, ...PKCS8 }),
  }
}

export function jwkOf({ publicKey }: Pair): JWK {
  return publicKey.export({ format: 'jwk' }) as JWK
}

/** Signs with a key; `saltLength` -1: as long as the hash. */
export function signature({ algorithm, privateKey }: Pair, input: string, saltLength = -1): Buffer {
  const how = algorithm.startsWith('ES')
    ? { dsaEncoding: 'ieee-p1363' as const }
    : algorithm.startsWith('PS')
      ? { padding: 6, saltLength }
      : {}
  return sign(digestOf(algorithm), Buffer.from(input), { key: privateKey, ...how })
}

export function digestOf(algorithm: Algorithm): string | null {
  return algorithm.startsWith('Ed') ? null : `sha${algorithm.slice(2)}`
}

const SPKI = { format: 'der', type: 'spki' } as const
const PKCS8 = { format: 'der', type: 'pkcs8' } as const
/**
 * Generates a pair as bytes. While a key object exports a JWK, it holds a lock for which the garbage collection of the
 * job that made the key waits, so an object straight from `generateKeyPairSync` can block the process forever (Node
 * 20).
 */
function generate(
  algorithm: Algorithm,
  rsa: { modulusLength: number; publicExponent?: number },
): { publicKey: Buffer; privateKey: Buffer } {
  const namedCurve = CURVES[algorithm]
  if (namedCurve !== undefined)
    return generateKeyPairSync('ec', { namedCurve, publicKeyEncoding: SPKI, privateKeyEncoding: PKCS8 })
  if (algorithm.startsWith('Ed'))
    return generateKeyPairSync('ed25519', { publicKeyEncoding: SPKI, privateKeyEncoding: PKCS8 })
  return generateKeyPairSync('rsa', { ...rsa, publicKeyEncoding: SPKI, privateKeyEncoding: PKCS8 })
}
