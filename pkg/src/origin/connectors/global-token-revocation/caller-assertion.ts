import {
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyResult,
  jwtVerify,
  type ProtectedHeaderParameters,
} from 'jose'
import { ALGORITHMS } from '../../../policy.ts'
import { GlobalRevocationRefused, type RevocationCaller } from '../global-revocation.ts'
import { hasType } from '../message-claims.ts'
import type { VerificationBudget } from '../verification-budget.ts'
import { MAX_ID_CHARACTERS } from './used-ids.ts'

/** The explicit type that Okta sends (RFC 8725 §3.11). */
const TYPE = 'global-token-revocation+jwt'
/** Asymmetric ones only (§3.5). */
const ASYMMETRIC = ALGORITHMS.filter((algorithm) => !algorithm.startsWith('HS'))
/** How far clocks may differ. */
export const CLOCK_TOLERANCE_SECONDS = 60
/** The longest `exp - iat`: the draft recommends five minutes, and ids are kept as long. */
const MAX_LIFETIME_SECONDS = 3_600

/** A JWT that has not been verified. For checks that are cheaper than the signature, and for no decision. */
export interface UnverifiedAssertion {
  readonly jwt: string
  readonly header: ProtectedHeaderParameters
  readonly claims: JWTPayload
}

/** A verified JWT: its caller, and its id for one use. */
export interface Assertion {
  readonly issuer: string
  readonly id: string
  readonly expiresAt: number
}

/** A caller with its keys. */
export interface KeyedCaller extends RevocationCaller {
  readonly keys: JWTVerifyGetKey
}

/** Reports why a genuine JWT of the caller does not fit this route. */
export type Unfit = 'wrong_type' | 'wrong_audience' | 'expired' | 'not_yet_valid' | 'lifetime_exceeded' | 'missing_claim'

/** Reads a compact JWT; `undefined`: it is malformed. */
export function readAssertion(credential: string, maxBytes: number): UnverifiedAssertion | undefined {
  if (credential.length > maxBytes || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(credential)) return undefined
  try {
    return { jwt: credential, header: decodeProtectedHeader(credential), claims: decodeJwt(credential) }
  } catch {
    return undefined
  }
}

/**
 * Verifies that the caller signed a JWT for this route (§3.5): key, algorithm, type, `iss`, `aud`, `sub`, `jti` and times. `undefined`: it is
 * not the caller's. Rejects with `GlobalRevocationRefused` (`not_permitted`, `keys_unavailable`, `too_busy`).
 */
export async function verifyAssertion(
  unverified: UnverifiedAssertion,
  caller: KeyedCaller,
  { budget, nowSeconds }: { budget: VerificationBudget; nowSeconds: number },
): Promise<Assertion | Unfit | undefined> {
  if (unverified.claims.iss !== caller.issuer) return undefined
  await budget.take().catch(() => {
    throw new GlobalRevocationRefused('too_busy', 'more requests arrive than can be verified: send it again')
  })
  const verified = await verify(unverified, caller, nowSeconds)
  // Only bad signatures count, so that a flood of forged ones does not delay a genuine caller.
  if (verified !== 'bad_signature') budget.giveBack()
  if (verified === 'bad_signature' || verified === 'unusable') return undefined
  if (typeof verified === 'string') return verified
  if (verified instanceof GlobalRevocationRefused) throw verified
  return judge(verified, caller)
}

async function verify(
  { jwt }: UnverifiedAssertion,
  { keys, issuer, audience }: KeyedCaller,
  nowSeconds: number,
): Promise<JWTVerifyResult | GlobalRevocationRefused | Unfit | 'bad_signature' | 'unusable'> {
  try {
    return await jwtVerify(jwt, keys, {
      algorithms: ASYMMETRIC,
      issuer,
      audience,
      requiredClaims: ['sub', 'jti', 'iat', 'exp'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      maxTokenAge: MAX_LIFETIME_SECONDS,
      currentDate: new Date(nowSeconds * 1000),
    })
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return 'bad_signature'
    if (error instanceof GlobalRevocationRefused) return error
    return unfitness(error) ?? 'unusable'
  }
}

/** The checks that jose does not make. */
function judge({ protectedHeader: { typ }, payload: { sub, jti, iat = 0, exp = 0 } }: JWTVerifyResult, caller: KeyedCaller): Assertion | Unfit {
  const { subject = [], untyped = 'refuse' } = caller
  const isUntyped = typ === undefined || hasType({ typ }, 'jwt')
  if (!hasType({ typ }, TYPE) && !(untyped === 'accept' && isUntyped)) return 'wrong_type'
  if (typeof sub !== 'string' || typeof jti !== 'string' || jti === '' || jti.length > MAX_ID_CHARACTERS) return 'missing_claim'
  if (exp - iat > MAX_LIFETIME_SECONDS) return 'lifetime_exceeded'
  const subjects = typeof subject === 'string' ? [subject] : subject
  if (caller.subject !== undefined && !subjects.includes(sub)) {
    throw new GlobalRevocationRefused('not_permitted', 'the JWT is that of another app of the caller')
  }
  return { issuer: caller.issuer, id: jti, expiresAt: exp }
}

/** Claims are checked after the signature; `undefined`: for all other causes. */
function unfitness(error: unknown): Unfit | undefined {
  if (error instanceof errors.JWTExpired) return 'expired'
  if (!(error instanceof errors.JWTClaimValidationFailed)) return undefined
  switch (error.claim) {
    case 'aud':
      return error.reason === 'missing' ? 'missing_claim' : 'wrong_audience'
    case 'nbf':
    case 'iat':
      return error.reason === 'check_failed' ? 'not_yet_valid' : 'missing_claim'
    default:
      return 'missing_claim'
  }
}
