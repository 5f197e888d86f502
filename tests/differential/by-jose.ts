// jose's verdict with the options that are closest to a policy.

import { createLocalJWKSet, type CryptoKey, errors, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose'
import type { Algorithm } from 'portcullis'
import { jwksOf, type PublishedKey } from './keys.ts'
import type { Lenient } from './deviations.ts'
import { boundsOf, type Policy } from './policy.ts'
import { checksAge, type Shared, type Situation } from './rules.ts'
import type { Draft } from './tokens.ts'

/** The reason and the claim that jose names. */
export interface Refusal {
  by: Shared | 'age'
  claim: string | undefined
}

export type Verifier = (draft: Draft, text: string, situation: Situation) => Promise<Refusal | undefined>

export function verifierOf(keys: readonly PublishedKey[]): Verifier {
  const getKey = keyLookup(keys)
  return async function verify(draft, text, { policy, now, stateAge }) {
    const stated = policy.revocation === 'feed' && stateAge !== undefined
    const options = optionsOf(policy, draft, now, stated)
    try {
      await verifyUnder(text, getKey, options)
      return undefined
    } catch (error) {
      return refusalOf(error)
    }
  }
}

/** Tries each matching key, which jose leaves to its caller. */
async function verifyUnder(text: string, getKey: JWTVerifyGetKey, options: JWTVerifyOptions): Promise<void> {
  try {
    await jwtVerify(text, getKey, options)
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    for await (const key of error) {
      try {
        await jwtVerify(text, key, options)
        return
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure
      }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}

/**
 * Looks public keys up with jose's own function, and shared ones, for which jose has no lookup, also by `kid` and
 * `alg`.
 */
function keyLookup(keys: readonly PublishedKey[]): JWTVerifyGetKey {
  const publicKeys = createLocalJWKSet(
    jwksOf(keys.filter(({ key }) => key.secret === undefined)) as Parameters<typeof createLocalJWKSet>[0],
  )
  const shared = keys.filter(({ key }) => key.secret !== undefined)
  return async function look(header, token) {
    const { alg, kid } = header as { alg: string; kid?: unknown }
    if (!alg.startsWith('HS')) return publicKeys(header, token)
    const named = shared.filter((each) => kid === undefined || each.kid === kid)
    const found = named.filter((each) =>
      each.alg === undefined ? (each.key.algorithms as string[]).includes(alg) : each.alg === alg,
    )
    if (found.length === 0) throw new errors.JWKSNoMatchingKey()
    const secrets = found.map(({ key }) => key.forJose.get(alg as Algorithm) as CryptoKey)
    if (secrets.length === 1) return secrets[0] as CryptoKey
    throw Object.assign(new errors.JWKSMultipleMatchingKeys(), {
      async *[Symbol.asyncIterator]() {
        yield* secrets
      },
    })
  }
}

function optionsOf(policy: Policy, draft: Draft, now: number, stated: boolean): JWTVerifyOptions {
  const { leeway, skew, lifetime } = boundsOf(policy, stated)
  const hasAudience = ![undefined, 'null'].includes(draft.claims.get('aud'))
  return {
    currentDate: new Date(now * 1_000),
    clockTolerance: leeway,
    algorithms: [...policy.algorithms],
    requiredClaims: ['exp', 'iat', ...policy.required],
    ...(policy.issuerClaim === 'iss' ? { issuer: [...policy.issuers] } : {}),
    ...(policy.audience !== 'none' && (hasAudience || policy.parties === undefined)
      ? { audience: [...policy.audience] }
      : {}),
    ...(policy.profile === 'rfc9068' ? { typ: 'at+jwt' } : {}),
    ...(checksAge(leeway, skew) ? { maxTokenAge: lifetime } : {}),
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof errors.JWTExpired) return { by: error.claim === 'exp' ? 'exp' : 'age', claim: error.claim }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return { by: error.reason === 'missing' ? 'missing' : (error.claim as Shared), claim: error.claim }
  }
  return { by: CODES[(error as errors.JOSEError).code] ?? fail(error), claim: undefined }
}

const CODES: Readonly<Record<string, Shared>> = {
  ERR_JWS_INVALID: 'form',
  ERR_JWT_INVALID: 'form',
  ERR_JOSE_ALG_NOT_ALLOWED: 'alg',
  ERR_JOSE_NOT_SUPPORTED: 'alg',
  ERR_JWKS_NO_MATCHING_KEY: 'key',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'signature',
}

function fail(error: unknown): never {
  throw error
}

/** The rules that explain each refusal of jose. */
export const SAME: Readonly<Record<Refusal['by'], readonly Shared[]>> = {
  form: ['form', 'alg'],
  alg: ['alg'],
  key: ['key'],
  signature: ['signature'],
  typ: ['typ'],
  iss: ['iss'],
  aud: ['aud'],
  exp: ['exp', 'missing'],
  nbf: ['nbf'],
  iat: ['iat', 'missing'],
  age: ['exp'],
  missing: ['missing', 'iss', 'aud'],
}

/** Returns why jose may refuse a token that is accepted here. */
export function leniencyOf({ by }: Refusal, draft: Draft, { policy, now, stateAge }: Situation): Lenient | undefined {
  const { leeway } = boundsOf(policy, policy.revocation === 'feed' && stateAge !== undefined)
  if (by === 'key') return draft.header.get('kid') === 'null' ? 'null kid' : undefined
  if (by !== 'nbf' && by !== 'iat') return undefined
  const raw = draft.claims.get(by)
  if (raw === 'null') return 'null claim'
  const value = JSON.parse(raw ?? '0') as unknown
  return typeof value === 'number' && value > now + leeway && Math.floor(value) <= now + leeway
    ? 'rounded date'
    : undefined
}
