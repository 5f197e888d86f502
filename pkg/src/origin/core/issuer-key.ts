import { canonicalJwk } from '../../../wasm/origin/core.js'
import type { JWK } from '../../types.ts'
import { guarded } from './module.ts'

/**
 * Returns an issuer's key in canonical form: the members that determine it as in its RFC 7638 thumbprint, its `kid` if
 * that is a string, and its declared use. Returns `undefined` if it cannot be read.
 */
export function canonicalKey(jwk: JWK): JWK | undefined {
  const determining = guarded(() => canonicalJwk(JSON.stringify(jwk)))
  if (determining === undefined) return undefined
  const { kid, alg, use, key_ops } = jwk as Record<keyof JWK, unknown>
  const stated = { kid: typeof kid === 'string' ? kid : undefined, alg, use, key_ops }
  return { ...present(stated), ...(JSON.parse(determining) as JWK) }
}

/** Returns the members that are neither absent nor `null`. */
function present(members: Record<string, unknown>): JWK {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined && value !== null))
}
