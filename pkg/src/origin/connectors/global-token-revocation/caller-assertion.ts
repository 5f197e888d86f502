import { type CompactVerifyGetKey, compactVerify, decodeJwt, decodeProtectedHeader, errors } from 'jose'
import { ALGORITHMS } from '../../../policy.ts'
import { GlobalRevocationRefused, type RevocationCaller } from '../global-revocation.ts'
import { EXTENSIONS, withoutNulls } from '../json-members.ts'
import { hasType } from '../message-claims.ts'
import type { VerificationBudget } from '../verification-budget.ts'
import { MAX_ID_CHARACTERS } from './used-ids.ts'

/** The explicit type that Okta sends (RFC 8725 §3.11). */
const TYPE = 'global-token-revocation+jwt'
/** Asymmetric algorithms only (§3.5). */
const ASYMMETRIC = ALGORITHMS.filter((algorithm) => !algorithm.startsWith('HS'))
/** The maximum difference between clocks. */
export const CLOCK_TOLERANCE_SECONDS = 60
/** The longest `exp - iat`. The draft recommends five minutes. Used ids are kept for as long. */
const MAX_LIFETIME_SECONDS = 3_600
/** The maximum number of keys tried for a JWT, as for messages of a realm's issuer. */
const MAX_CANDIDATES = 4

/**
 * A JWT that has not been verified. Use it only for checks that are cheaper than the signature, never for a decision.
 */
export interface UnverifiedAssertion {
  readonly jwt: string
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

/** A verified JWT: its caller, and the id that makes it single-use. */
export interface Assertion {
  readonly issuer: string
  readonly id: string
  readonly expiresAt: number
}

/** A caller with its keys. */
export interface KeyedCaller extends RevocationCaller {
  readonly keys: CompactVerifyGetKey
}

/** Why a genuine JWT of the caller is not valid for this route. */
type Unfit = 'wrong_type' | 'wrong_audience' | 'expired' | 'not_yet_valid' | 'lifetime_exceeded' | 'missing_claim'

/** Parses a compact JWT; members that are `null` count as absent. Returns `undefined` if it is malformed. */
export function readAssertion(credential: string, maxBytes: number): UnverifiedAssertion | undefined {
  if (credential.length > maxBytes || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(credential)) return undefined
  try {
    const header = decodeProtectedHeader(credential)
    if (EXTENSIONS.some((name) => Object.hasOwn(header, name))) return undefined
    return { jwt: credential, header: withoutNulls(header), claims: withoutNulls(decodeJwt(credential)) }
  } catch {
    return undefined
  }
}

/**
 * Verifies that the caller signed a JWT for this route (§3.5): key, algorithm, type, `iss`, `aud`, `sub`, `jti` and
 * times. Returns `undefined` if the caller did not sign it. Rejects with `GlobalRevocationRefused` (`not_permitted`,
 * `keys_unavailable`, `too_busy`).
 */
export async function verifyAssertion(
  unverified: UnverifiedAssertion,
  caller: KeyedCaller,
  { budget, nowSeconds }: { budget: VerificationBudget; nowSeconds: number },
): Promise<Assertion | Unfit | undefined> {
  if (unverified.claims['iss'] !== caller.issuer) return undefined
  const admit = (): Promise<void> =>
    budget.take().catch(() => {
      throw new GlobalRevocationRefused('too_busy', 'more requests arrive than can be verified: send it again')
    })
  await admit()
  const verified = await verify(unverified, caller, admit)
  // Only bad signatures use up the budget, so a flood of forged JWTs does not delay a genuine caller.
  if (verified !== 'bad_signature') budget.giveBack()
  if (verified === 'bad_signature' || verified === 'unusable') return undefined
  if (verified instanceof GlobalRevocationRefused) throw verified
  return judge(unverified, caller, nowSeconds)
}

/** Checks the signature with the caller's keys: several may share one `kid`, and the JWT may name none. */
async function verify(
  { jwt }: UnverifiedAssertion,
  { keys }: KeyedCaller,
  admit: () => Promise<void>,
): Promise<GlobalRevocationRefused | 'good' | 'bad_signature' | 'unusable'> {
  try {
    await compactVerify(jwt, (header, token) => keys(withoutNulls(header) as typeof header, token), {
      algorithms: ASYMMETRIC,
    })
    return 'good'
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) return verifyByEach(jwt, error, admit)
    if (error instanceof errors.JWSSignatureVerificationFailed) return 'bad_signature'
    return error instanceof GlobalRevocationRefused ? error : 'unusable'
  }
}

/** Verifies a JWT with the keys, one after the other. The budget already covers the first signature. */
async function verifyByEach(
  jwt: string,
  keys: AsyncIterable<CryptoKey>,
  admit: () => Promise<void>,
): Promise<'good' | 'bad_signature'> {
  let tried = 0
  for await (const key of keys) {
    if (tried === MAX_CANDIDATES) break
    if (tried > 0) await admit()
    tried += 1
    const isGood = await compactVerify(jwt, key, { algorithms: ASYMMETRIC }).then(
      () => true,
      () => false,
    )
    if (isGood) return 'good'
  }
  return 'bad_signature'
}

/** Checks the content of a verified JWT: its claims, then its type. */
function judge(
  { header: { typ }, claims }: UnverifiedAssertion,
  caller: KeyedCaller,
  nowSeconds: number,
): Assertion | Unfit {
  const { sub, jti, iat, exp, aud } = claims
  const { subject, untyped = 'refuse' } = caller
  if (
    typeof sub !== 'string' ||
    typeof jti !== 'string' ||
    jti === '' ||
    jti.length > MAX_ID_CHARACTERS ||
    aud === undefined
  )
    return 'missing_claim'
  if (![caller.audience].flat().some((audience) => [aud].flat().includes(audience))) return 'wrong_audience'
  const { nbf = 0 } = claims
  if (!isDate(iat) || !isDate(exp) || !isDate(nbf)) return 'missing_claim'
  if (Math.max(nbf, iat) > nowSeconds + CLOCK_TOLERANCE_SECONDS) return 'not_yet_valid'
  const earliest = nowSeconds - CLOCK_TOLERANCE_SECONDS
  if (exp <= earliest || iat + MAX_LIFETIME_SECONDS < earliest) return 'expired'
  const isUntyped = typ === undefined || hasType({ typ }, 'jwt')
  if (!hasType({ typ }, TYPE) && !(untyped === 'accept' && isUntyped)) return 'wrong_type'
  if (exp - iat > MAX_LIFETIME_SECONDS) return 'lifetime_exceeded'
  if (subject !== undefined && ![subject].flat().includes(sub)) {
    throw new GlobalRevocationRefused('not_permitted', 'the JWT is for another app of the caller')
  }
  return { issuer: caller.issuer, id: jti, expiresAt: exp }
}

/** Whether a claim is a NumericDate (RFC 7519 §2). */
function isDate(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
