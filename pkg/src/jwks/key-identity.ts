import type { JWK } from '../types.ts'

/** The members that determine a public key, by key type (RFC 7518 §6.2.1, §6.3.1; RFC 8037 §2). */
export const PUBLIC_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
}

/** Returns the same string for keys with the same members. A member that is `null` counts as absent. */
export function identityOf(jwk: JWK): string {
  const members = jwk.kty === 'oct' ? ['k'] : (PUBLIC_MEMBERS[jwk.kty ?? ''] ?? [])
  const names = ['kty', 'kid', 'alg', 'use', 'key_ops', ...members]
  return JSON.stringify(names.map((name) => jwk[name]))
}
