import { isScopeToken } from '../http/bearer.ts'

/**
 * Returns whether a token's scope claim grants every required scope. A string is a space-separated list (RFC 8693
 * §4.2). An array is a list of strings, each one scope token (RFC 6749 §3.3): an element with a space grants nothing,
 * nor does an array with values other than strings. The core has the same rule (`Accepted::grants`), and
 * `tests/vectors/scopes.json` tests both. The core is not called here, because that would take longer than the rest of
 * a warm check.
 */
export function grantsScopes(claim: unknown, needed: readonly string[]): boolean {
  const granted = scopesOf(claim)
  return needed.every((scope) => isScopeToken(scope) && granted.includes(scope))
}

function scopesOf(claim: unknown): readonly string[] {
  if (typeof claim === 'string') return claim.split(' ')
  return Array.isArray(claim) && claim.every((item) => typeof item === 'string') ? claim : []
}
