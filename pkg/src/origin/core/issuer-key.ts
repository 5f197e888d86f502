import { canonicalJwk } from '../../../wasm/origin/core.js'
import type { JWK } from '../../types.ts'
import { guarded } from './module.ts'

/**
 * A key of an issuer in one spelling: the members that determine it as its RFC 7638 thumbprint has them, its `kid` if
 * that is a string, and what it says of its use. `undefined`: it cannot be read.
 */
export function canonicalKey(jwk: JWK): JWK | undefined {
  const determining = guarded(() => canonicalJwk(JSON.stringify(jwk)))
  if (determining === undefined) return undefined
  const { kid, alg, use, key_ops } = jwk as Record<keyof JWK, unknown>
  const stated = { kid: typeof kid === 'string' ? kid : undefined, alg, use, key_ops }
  return { ...present(stated), ...(JSON.parse(determining) as JWK) }
}

/** The members that are neither absent nor `null`. */
function present(members: Record<string, unknown>): JWK {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined && value !== null))
}
