import { invalid, isObject } from './options.ts'
import type { Algorithm, JWKS } from './types.ts'

/** The source of a realm's keys: a set, a URL, a function, or `undefined` for the feed. */
type KeySource = JWKS | URL | string | (() => unknown) | undefined

/**
 * Throws `invalid_option` if none of the algorithms can have a key, so that no token would be accepted. `realm` must
 * have passed the rules of its options; absent `algorithms` means all.
 */
export function checkKeyAlgorithms(
  { algorithms, jwks }: { algorithms?: readonly Algorithm[]; jwks?: KeySource },
  name: string,
): void {
  // The keys that a function returns are not known yet.
  if (algorithms === undefined || typeof jwks === 'function') return
  if (isObject(jwks) && 'keys' in jwks) return checkInlineKeys(algorithms, jwks as unknown as JWKS, name)
  if (!algorithms.every(isSymmetric)) return
  const source = jwks === undefined ? 'the feed' : 'the set at jwks, a URL,'
  throw invalid(
    `${name}.algorithms has only HMAC ones, and ${source} never carries a symmetric key: add an asymmetric algorithm, or give the key in jwks: { keys: […] }`,
  )
}

function checkInlineKeys(algorithms: readonly Algorithm[], { keys }: JWKS, name: string): void {
  const possible = keys.map(algorithmsOf)
  if (keys.length === 0 || possible.some((each) => each.some((algorithm) => algorithms.includes(algorithm)))) return
  const named = [...new Set(possible.flat())].join(', ')
  throw invalid(
    `${name}.algorithms has none that a key in ${name}.jwks can have: the keys are for ${named === '' ? 'no supported algorithm' : named}`,
  )
}

function isSymmetric(algorithm: Algorithm): boolean {
  return algorithm.startsWith('HS')
}

/**
 * Returns the algorithms that a key can have (RFC 7518 §6.1, RFC 8037 §2). In doubt it includes one too many, because
 * the core decides.
 */
function algorithmsOf({ kty, crv, alg }: { kty?: unknown; crv?: unknown; alg?: unknown }): Algorithm[] {
  const byType = algorithmsOfType(kty, crv)
  const stated = byType.filter((algorithm) => algorithm === alg)
  return stated.length > 0 && kty !== 'OKP' ? stated : byType
}

function algorithmsOfType(kty: unknown, crv: unknown): Algorithm[] {
  switch (kty) {
    case 'oct':
      return ['HS256', 'HS384', 'HS512']
    case 'RSA':
      return ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
    case 'EC':
      return crv === 'P-256' ? ['ES256'] : crv === 'P-384' ? ['ES384'] : crv === 'P-521' ? ['ES512'] : []
    case 'OKP':
      return crv === 'Ed25519' ? ['EdDSA', 'Ed25519'] : []
    default:
      return []
  }
}
