import { calculateJwkThumbprint, type JWK as JoseJwk } from 'jose'
import type { JWK, JWKS } from '../../types.ts'

/** A key with its RFC 7638 thumbprint. */
export interface KnownKey {
  jwk: JWK
  kid: string | undefined
  thumbprint: string
}

/** Returns the keys of a set whose members we support. */
export async function knownKeys({ keys }: JWKS): Promise<KnownKey[]> {
  const known = await Promise.all(
    keys.map(async (jwk) => ({ jwk, kid: jwk.kid, thumbprint: await computeThumbprint(jwk) })),
  )
  return known.filter((key): key is KnownKey => key.thumbprint !== undefined)
}

/** Returns the algorithm of a JWK: its own, else the one that its type implies. */
export function algorithmOf({ alg, kty, crv }: JWK, rsaAlgorithm = 'RS256'): string | undefined {
  if (alg !== undefined) return alg
  if (kty === 'RSA') return rsaAlgorithm
  return IMPLIED_ALGORITHMS[crv ?? '']
}

/** Keyed by curve (RFC 7518 §3.4, RFC 8037 §3.1). */
const IMPLIED_ALGORITHMS: Readonly<Record<string, string>> = {
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
  Ed25519: 'EdDSA',
}

/** Returns `undefined` for a key of an unknown type. */
async function computeThumbprint(key: JWK): Promise<string | undefined> {
  try {
    return await calculateJwkThumbprint(key as JoseJwk)
  } catch {
    return undefined
  }
}
