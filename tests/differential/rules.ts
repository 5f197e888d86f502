// The faults of a token by the plain rules of DESIGN §3, in the order in which they are checked. Nothing is decoded or
// verified here: a draft states its contents and how it was signed. Imports only types from the package.

import type { Algorithm, Reason } from 'portcullis'
import { type Deviation, DEVIATIONS, type Stricter } from './deviations.ts'
import { algorithmsOf, type PoolKey, type PublishedKey } from './keys.ts'
import { type Bounds, boundsOf, type Policy } from './policy.ts'
import type { Revocations, Subject } from './revocations.ts'
import { type Draft, type FormFault, isDamaged } from './tokens.ts'

/** A rule that jose's options can check as well, named by its claim or member. */
export type Shared = 'form' | 'alg' | 'key' | 'signature' | 'typ' | 'iss' | 'aud' | 'exp' | 'nbf' | 'iat' | 'missing'

/** Faults of revocation and its freshness, which jose does not check. */
type Revoked = 'revoked' | 'no feed' | 'stale feed'

export interface Fault {
  rule: Shared | Stricter | Revoked
  reason: Reason
}

/** Everything other than the token on which its verdict depends. */
export interface Situation {
  policy: Policy
  keys: readonly PublishedKey[]
  revocations: Revocations
  now: number
  /** The age of the revocation state in seconds; `undefined` if no state was loaded. */
  stateAge: number | undefined
}

/** The greatest age of the revocation state, by `GateOptions.maxStaleSeconds` and `maxAcceptStaleSeconds`. */
const MAX_STALE = 60
const MAX_ACCEPT_STALE = 3_600
/** The longest name that a token may contain, in bytes of UTF-8. */
const MAX_NAME_BYTES = 1_024

/** Returns every fault of a token; the first one decides. */
export function faultsOf(draft: Draft, text: string, situation: Situation): Fault[] {
  const { policy, now, stateAge } = situation
  const bounds = boundsOf(policy, policy.revocation === 'feed' && stateAge !== undefined)
  const claims = new Reader(draft.claims)
  const faults: Fault[] = []
  const add = (rule: Fault['rule'], reason: Reason): number => faults.push({ rule, reason })

  if (text.length > policy.gate.maxTokenBytes) add('too long', 'malformed')
  if (draft.form !== undefined) add(ruleOfForm(draft.form, text), 'malformed')
  addHeaderForm(draft, add)
  addIssuer(policy, claims, add)
  addAlgorithm(draft, policy, add)
  addMediaType(draft, policy, add)
  addKey(draft, situation, add)
  addSignature(draft, situation, add)
  addMalformedClaims(policy, claims, add)
  addUse(policy, claims, add)
  addAudience(draft, policy, claims, add)
  addTimes(claims, bounds, now, add)
  for (const name of policy.required) {
    if (claims.has(name)) continue
    add(draft.claims.has(name) ? 'empty claim' : 'missing', 'missing_claim')
  }
  addLogin(policy, claims, bounds, now, add)
  if (policy.revocation === 'feed') addRevocation(draft, situation, claims, add)
  return faults
}

/** Returns why an origin refuses to revoke a token. Times, audience and revocations do not matter. */
export function refusalToIdentify(
  draft: Draft,
  situation: Situation,
): 'invalid_token' | 'unexpected_token_use' | undefined {
  const { policy } = situation
  const claims = new Reader(draft.claims)
  const fails = (check: (add: Add) => void): boolean => {
    let failed = false
    check(() => (failed = true))
    return failed
  }
  const isUnproven = fails((add) => {
    addHeaderForm(draft, add)
    addIssuer(policy, claims, add)
    addAlgorithm(draft, policy, add)
    addKey(draft, situation, add)
    addSignature(draft, situation, add)
  })
  if (draft.form !== undefined || isUnproven) return 'invalid_token'
  if (fails((add) => addMediaType(draft, policy, add))) return 'unexpected_token_use'
  if (fails((add) => addMalformedClaims(policy, claims, add))) return 'invalid_token'
  return fails((add) => addUse(policy, claims, (rule, reason) => rule === 'use' && add(rule, reason)))
    ? 'unexpected_token_use'
    : undefined
}

interface Identity {
  issuer: string
  tokenId: string | undefined
  issuedAt: number | undefined
}

/** Returns the claims that an origin reads from a token to revoke it. */
export function identityOf({ claims }: Draft, { issuerClaim, names }: Policy): Identity {
  const reader = new Reader(claims)
  return {
    issuer: String(reader.value(issuerClaim)),
    tokenId: reader.name(names.tokenId),
    issuedAt: reader.date('iat'),
  }
}

/** Reads claims; `null` counts as absent. */
class Reader {
  readonly #claims: ReadonlyMap<string, string>

  constructor(claims: ReadonlyMap<string, string>) {
    this.#claims = claims
  }

  /** Returns the JSON of a claim. */
  raw(name: string): string | undefined {
    const raw = this.#claims.get(name)
    return raw === 'null' ? undefined : raw
  }

  value(name: string): unknown {
    const raw = this.raw(name)
    return raw === undefined ? undefined : JSON.parse(raw)
  }

  /** Whether a claim is present and not the empty string. */
  has(name: string): boolean {
    const value = this.value(name)
    return value !== undefined && value !== ''
  }

  /** Returns a name, which may be a number if the policy allows it; `undefined` for an empty or invalid one. */
  name(name: string): string | undefined {
    const value = this.value(name)
    if (typeof value === 'string') return value === '' ? undefined : value
    return typeof value === 'number' ? this.raw(name) : undefined
  }

  /** Returns a date in whole seconds (RFC 7519 §2), rounded down, not before 1970. */
  date(name: string): number | undefined {
    const value = this.value(name)
    return typeof value === 'number' ? Math.min(Math.max(Math.floor(value), 0), Number.MAX_SAFE_INTEGER) : undefined
  }
}

type Add = (rule: Fault['rule'], reason: Reason) => unknown

/** RFC 7515 §4.1: `alg` is required; `alg`, `kid` and `typ` are strings; no extension is supported. */
function addHeaderForm({ header }: Draft, add: Add): void {
  const value = (name: string): unknown => JSON.parse(header.get(name) ?? 'null')
  const [alg, kid, typ] = [value('alg'), value('kid'), value('typ')]
  if (typeof alg !== 'string') add('form', 'malformed')
  if (kid !== null && typeof kid !== 'string') add('key', 'malformed')
  if (typ !== null && typeof typ !== 'string') add('header type', 'malformed')
  if (header.has('crit'))
    add(header.get('crit') === '["b64"]' && header.get('b64') === 'true' ? 'extension' : 'form', 'malformed')
  if (header.has('b64')) add('extension', 'malformed')
}

function addIssuer(policy: Policy, claims: Reader, add: Add): void {
  const issuer = claims.value(policy.issuerClaim)
  if (typeof issuer !== 'string' || !policy.issuers.includes(issuer))
    add(policy.issuerClaim === 'iss' ? 'iss' : 'renamed issuer', 'wrong_issuer')
  else if (policy.tenantClaim !== undefined && claims.value(policy.tenantClaim) !== policy.tenantOf.get(issuer))
    add('tenant', 'wrong_issuer')
}

/** RFC 8725 §3.1. */
function addAlgorithm(draft: Draft, policy: Policy, add: Add): void {
  if (!(policy.algorithms as readonly unknown[]).includes(algOf(draft))) add('alg', 'unsupported_algorithm')
}

function addKey(draft: Draft, { policy, keys, revocations }: Situation, add: Add): void {
  const kid = kidOf(draft)
  const named = keys.filter((key) => kid === undefined || key.kid === kid)
  const candidates = candidatesOf(draft, keys, policy)
  if (candidates.length === 0) {
    const reason = kid === undefined || named.length === 0 ? 'unknown_key' : 'unsupported_algorithm'
    add(fittingKeys(draft, keys).length > 0 ? 'algorithm of the key' : 'key', reason)
  } else if (policy.revocation === 'feed' && candidates.every(({ key }) => revocations.bans(key.thumbprint)))
    add('revoked', 'banned_key')
}

function algOf({ header }: Draft): unknown {
  return JSON.parse(header.get('alg') ?? 'null')
}

function kidOf({ header }: Draft): string | undefined {
  return (JSON.parse(header.get('kid') ?? 'null') as string | null) ?? undefined
}

/** Returns the keys that may have signed: those with the token's `kid`, if it has one, and its algorithm. */
function candidatesOf(draft: Draft, keys: readonly PublishedKey[], policy: Policy): PublishedKey[] {
  const [alg, kid] = [algOf(draft), kidOf(draft)]
  const fitting = keys.filter(
    (key) =>
      (kid === undefined || key.kid === kid) &&
      (algorithmsOf(key, policy.rsaAlgorithm) as readonly unknown[]).includes(alg),
  )
  return fitting.slice(0, 4)
}

/** Returns the keys that may have signed if a JWK without `alg` fits every algorithm of its type. */
function fittingKeys(draft: Draft, keys: readonly PublishedKey[]): PoolKey[] {
  const [alg, kid] = [algOf(draft), kidOf(draft)]
  const named = keys.filter((key) => kid === undefined || key.kid === kid)
  return named
    .filter((key) =>
      key.alg === undefined ? (key.key.algorithms as readonly unknown[]).includes(alg) : key.alg === alg,
    )
    .map(({ key }) => key)
}

/** RFC 8725 §3.11, RFC 9068 §4. */
function addMediaType({ header }: Draft, { profile }: Policy, add: Add): void {
  const typ: unknown = JSON.parse(header.get('typ') ?? 'null')
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : undefined
  if (profile === 'rfc9068') {
    if (type !== 'at+jwt') add('typ', 'wrong_type')
  } else if (!(type === 'jwt' || type === 'at+jwt' || (profile === 'generic' && typ === null)))
    add('header type', 'wrong_type')
}

function addSignature(draft: Draft, { policy, keys, revocations }: Situation, add: Add): void {
  const { key, algorithm } = draft
  const isGood = (candidate: PoolKey): boolean =>
    candidate === key && !isDamaged(draft) && isSame(algOf(draft), algorithm)
  const signer = candidatesOf(draft, keys, policy).find((candidate) => isGood(candidate.key))
  if (signer === undefined)
    add(fittingKeys(draft, keys).some(isGood) ? 'algorithm of the key' : 'signature', 'bad_signature')
  else if (policy.revocation === 'feed' && revocations.bans(key.thumbprint)) add('revoked', 'banned_key')
}

/** Whether two names mean the same algorithm (RFC 9864 §2.2). */
function isSame(one: unknown, other: Algorithm): boolean {
  const one25519 = ['EdDSA', 'Ed25519']
  return one === other || (one25519.includes(one as string) && one25519.includes(other))
}

/** RFC 7519 §4.1: claims that are read must have their types. */
function addMalformedClaims(policy: Policy, claims: Reader, add: Add): void {
  const { names, grantClaim } = policy
  for (const name of new Set([
    names.subject,
    names.tokenId,
    names.session,
    'azp',
    'client_id',
    ...(grantClaim === undefined ? [] : [grantClaim]),
  ])) {
    const value = claims.value(name)
    if (value === undefined) continue
    const isId =
      typeof value === 'string' || (policy.numericIds === 'accept' && isNumericId(claims.raw(name) as string))
    if (!isId) add(typeof value === 'number' ? 'numeric id' : 'type of a claim', 'malformed')
    else if (Buffer.byteLength(String(value)) > MAX_NAME_BYTES) add('long name', 'malformed')
  }
  for (const name of ['exp', 'nbf', 'iat', 'auth_time', names.lastLogoutTime]) {
    const value = claims.value(name)
    if (value === undefined) continue
    if (typeof value !== 'number')
      add(name === 'exp' || name === 'nbf' || name === 'iat' ? name : 'type of a claim', 'malformed')
    else if (!Number.isFinite(value)) add('infinite date', 'malformed')
  }
  const audience = claims.value('aud')
  if (audience !== undefined && typeof audience !== 'string' && !isTexts(audience)) add('type of a claim', 'malformed')
  const version = claims.value(names.tokenVersion)
  if (version !== undefined && !(typeof version === 'number' && Number.isSafeInteger(version) && version >= 0))
    add('type of a claim', 'malformed')
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

/** Whether `raw` is an integer in its shortest form, with a magnitude of at most 2^53 - 1. */
function isNumericId(raw: string): boolean {
  return /^(?:0|-?[1-9][0-9]*)$/.test(raw) && BigInt(raw) <= 2n ** 53n - 1n && BigInt(raw) >= -(2n ** 53n) + 1n
}

/** RFC 8725 §3.12: the token is an access token, not impersonated and not bound to a key. */
function addUse({ names, profile, impersonation }: Policy, claims: Reader, add: Add): void {
  const [use, kind] = [claims.value(names.tokenUse), claims.value('typ')]
  // Keycloak gives access tokens that are bound to a key the type DPoP.
  const isAccess =
    kind === undefined ||
    (typeof kind === 'string' && ['access', 'bearer', 'at+jwt', 'jwt', 'dpop'].includes(kind.toLowerCase()))
  if (
    !(profile === 'keycloak' ? kind === 'Bearer' || kind === 'DPoP' : isAccess) ||
    (use !== undefined && use !== 'access' && use !== 'Bearer')
  )
    add('use', 'wrong_type')
  if (impersonation === 'refuse' && claims.has('act')) add('actor', 'wrong_type')
  if (claims.value('cnf') !== undefined || (typeof kind === 'string' && kind.toLowerCase() === 'dpop'))
    add('binding', 'wrong_type')
}

/** RFC 7519 §4.1.3; for tokens without an audience, `TokenOptions.authorizedParty`. */
function addAudience(draft: Draft, policy: Policy, claims: Reader, add: Add): void {
  const { audience, parties } = policy
  const stated = claims.value('aud')
  if (audience !== 'none' && (stated !== undefined || parties === undefined)) {
    const theirs = Array.isArray(stated) ? (stated as unknown[]) : [stated]
    if (!theirs.some((each) => typeof each === 'string' && audience.includes(each))) add('aud', 'wrong_audience')
    return
  }
  if (parties === undefined) return
  const named = [claims.name('azp'), claims.name('client_id')].filter((party) => party !== undefined)
  if (named.length === 0 || !named.every((party) => parties.includes(party)) || !showsAccess(draft, policy, claims))
    add('party', 'wrong_audience')
}

/** Whether the token has marks of an access token, which ID tokens lack. */
function showsAccess({ header }: Draft, { names, accessTokenClaim }: Policy, claims: Reader): boolean {
  const typ: unknown = JSON.parse(header.get('typ') ?? 'null')
  const scope = claims.value(names.scope)
  const scopes = typeof scope === 'string' ? [scope] : isTexts(scope) ? scope : []
  return (
    (typeof typ === 'string' && /^(?:application\/)?at\+jwt$/i.test(typ)) ||
    claims.value(names.tokenUse) === 'access' ||
    claims.value('typ') === 'Bearer' ||
    scopes.some((each) => /[!-~]/.test(each)) ||
    (accessTokenClaim !== undefined && claims.has(accessTokenClaim))
  )
}

/** RFC 7519 §4.1.4 to §4.1.6. Where rounding down decides, jose does not have the rule. */
function addTimes(claims: Reader, { leeway, skew, lifetime }: Bounds, now: number, add: Add): void {
  const [expiresAt, notBefore, issuedAt] = [claims.date('exp'), claims.date('nbf'), claims.date('iat')]
  if (expiresAt === undefined) add(claims.raw('exp') === undefined ? 'missing' : 'exp', 'missing_claim')
  else if (now >= expiresAt + leeway)
    add((claims.value('exp') as number) > now - leeway ? 'rounded date' : 'exp', 'expired')
  if (notBefore !== undefined && notBefore > now + leeway) add('nbf', 'not_yet_valid')
  if (issuedAt === undefined) add(claims.raw('iat') === undefined ? 'missing' : 'iat', 'missing_claim')
  else if (issuedAt > now + skew) add(checksAge(leeway, skew) ? 'iat' : 'issued in future', 'issued_in_future')
  if (expiresAt !== undefined && issuedAt !== undefined && expiresAt - issuedAt > lifetime)
    add('lifetime', 'lifetime_exceeded')
}

/** Whether jose can check `iat` with the same tolerance; it has a single one for all times. */
export function checksAge(leeway: number, skew: number): boolean {
  return leeway === skew
}

/** `TokenOptions.compare`: a login must not be older than not-befores are kept. */
function addLogin({ compare }: Policy, claims: Reader, { leeway, skew, session }: Bounds, now: number, add: Add): void {
  if (compare === 'issuedAt') return
  const loggedInAt = claims.date('auth_time')
  if (loggedInAt === undefined) add('login', 'missing_claim')
  else if (loggedInAt > now + skew) add('login', 'issued_in_future')
  else if (now >= loggedInAt + session + leeway) add('login', 'lifetime_exceeded')
}

function addRevocation(draft: Draft, { policy, revocations, stateAge }: Situation, claims: Reader, add: Add): void {
  if (stateAge === undefined) {
    add('no feed', 'no_feed')
    return
  }
  const reason = revocations.reason(subjectOf(draft, policy, claims))
  if (reason !== undefined) add('revoked', reason)
  const longest = policy.gate.whenStale === 'accept' ? MAX_ACCEPT_STALE : MAX_STALE
  if (stateAge > longest) add('stale feed', 'stale_feed')
}

/** Whether a revocation may or may not refuse the token. */
export function isUndetermined(draft: Draft, { policy, revocations, now }: Situation): boolean {
  return revocations.isForgettable(subjectOf(draft, policy, new Reader(draft.claims)), now)
}

function subjectOf(draft: Draft, { names, grantClaim, compare, issuerClaim }: Policy, claims: Reader): Subject {
  return {
    issuer: String(claims.value(issuerClaim)),
    user: claims.name(names.subject),
    tokenId: claims.name(names.tokenId),
    session: claims.name(names.session),
    azp: claims.name('azp'),
    clientId: claims.name('client_id'),
    grant: grantClaim === undefined ? undefined : claims.name(grantClaim),
    thumbprint: draft.key.thumbprint,
    version: (claims.value(names.tokenVersion) as number | undefined) ?? 0,
    comparedAt: claims.date(compare === 'authTime' ? 'auth_time' : 'iat') ?? Infinity,
    lastLogout: claims.date(names.lastLogoutTime),
  }
}

function ruleOfForm(form: FormFault, text: string): Fault['rule'] {
  const isOfSpareBits = form === 'padded signature' || form === 'trailing bits'
  if (isOfSpareBits && ![2, 3].includes(text.slice(text.lastIndexOf('.') + 1).replace(/=+$/, '').length % 4))
    return 'form'
  const deviations = Object.entries<Deviation>(DEVIATIONS) as [Stricter, Deviation][]
  return deviations.find(([, { forms = [] }]) => forms.includes(form))?.[0] ?? 'form'
}
