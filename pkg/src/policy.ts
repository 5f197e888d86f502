import { defaultsOf, either, given, invalid, isObject, list, oneOf, pattern, required, type Rule, rule, type Rules, shape, string, withDefault } from './options.ts'
import type { Algorithm, ClaimNames, JWK, JWKS, TokenOptions } from './types.ts'

/** A realm's token options in the form the core takes, with every default filled in. */
export interface CorePolicy {
  name: string
  issuer: string
  issuerClaim: string
  audience: string[] | 'none'
  profile: 'rfc9068' | 'keycloak' | 'generic'
  algorithms: Algorithm[]
  rsaAlgorithm: Algorithm
  /** Default: the claims that the profile requires. */
  requiredClaims?: string[]
  subjectless: 'refuse' | 'accept'
  impersonation: 'accept' | 'mark' | 'refuse'
  compare: 'issuedAt' | 'authTime'
  claimNames: ClaimNames
  /** Default: `azp` and `client_id`. */
  grantClaim?: string
}

/** Fills in the defaults. */
export function corePolicy(options: TokenOptions): CorePolicy {
  const { name, issuer, issuerClaim, audience, profile, algorithms, rsaAlgorithm, requiredClaims, subjectless, impersonation, compare, claimNames, grantClaim } = {
    ...defaultsOf(TOKEN),
    ...given(options),
  }
  return {
    name,
    issuer,
    issuerClaim,
    audience: audience === 'none' || Array.isArray(audience) ? audience : [audience],
    profile,
    algorithms,
    rsaAlgorithm,
    ...(requiredClaims === undefined ? {} : { requiredClaims }),
    subjectless,
    impersonation,
    compare,
    claimNames: { ...CLAIM_NAMES, ...given(claimNames ?? {}) },
    ...(grantClaim === undefined ? {} : { grantClaim }),
  }
}

export const ALGORITHMS: readonly Algorithm[] = [
  'HS256', 'HS384', 'HS512',
  'RS256', 'RS384', 'RS512',
  'PS256', 'PS384', 'PS512',
  'ES256', 'ES384', 'ES512',
  'EdDSA', 'Ed25519',
]

const CLAIMS = {
  subject: withDefault(string, 'sub'),
  tokenId: withDefault(string, 'jti'),
  session: withDefault(string, 'sid'),
  tokenUse: withDefault(string, 'token_use'),
  tokenVersion: withDefault(string, 'token_version'),
  lastLogoutTime: withDefault(string, 'last_logout_time'),
  scope: withDefault(string, 'scope'),
} satisfies Rules

/** The rules of `ClaimNames`. */
export const CLAIM_NAME_RULES: Rules = CLAIMS

/** The usual names of claims. */
export const CLAIM_NAMES: Readonly<ClaimNames> = defaultsOf(CLAIMS)

/** Realm names are part of URLs, so they need no escaping. */
const realmName = pattern(
  "1 to 64 letters, digits, '-', '_' or '.', not starting with '.'",
  /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$/,
)

const TOKEN = {
  name: required(realmName),
  issuer: required(string),
  audience: required(either(string, list(string, 1))),
  profile: withDefault(oneOf('rfc9068', 'keycloak', 'generic'), 'generic'),
  algorithms: withDefault(list(oneOf(...ALGORITHMS), 1), [...ALGORITHMS]),
  rsaAlgorithm: withDefault(oneOf<Algorithm>('RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'), 'RS256'),
  issuerClaim: withDefault(string, 'iss'),
  claimNames: shape(CLAIMS),
  requiredClaims: list(string),
  subjectless: withDefault(oneOf('refuse', 'accept'), 'refuse'),
  impersonation: withDefault(oneOf('accept', 'mark', 'refuse'), 'accept'),
  compare: withDefault(oneOf('issuedAt', 'authTime'), 'issuedAt'),
  grantClaim: string,
} satisfies Rules

/** The rules of `TokenOptions`, for the options of gates and origins. */
export const TOKEN_RULES: Rules = TOKEN

/** An Ed25519 public key (RFC 8037 §2). */
export const feedKey: Rule<JWK> = rule(
  "an Ed25519 public key as JWK: kty 'OKP', crv 'Ed25519', x of 32 bytes, and no d",
  (value) =>
    isObject(value) && value['kty'] === 'OKP' && value['crv'] === 'Ed25519' &&
    typeof value['x'] === 'string' && /^[A-Za-z0-9_-]{43}$/.test(value['x']) && !('d' in value),
)

/** A JWK set in a gate's configuration: no private keys. */
export const keySet: Rule<JWKS> = rule(
  'a JWK set ({ keys: […] }) without private keys',
  (value) => isObject(value) && Array.isArray(value['keys']) && value['keys'].every((key: unknown) => isObject(key) && !hasPrivatePart(key)),
  { type: 'object', required: ['keys'], properties: { keys: { type: 'array', items: { type: 'object' } } } },
)

/** Throws `invalid_option` unless names and issuers are unique: each selects a realm. */
export function checkDistinct(realms: readonly TokenOptions[], name: string): void {
  for (const member of ['name', 'issuer'] as const) {
    realms.forEach((realm, index) => {
      const first = realms.findIndex((other) => other[member] === realm[member])
      if (first !== index) throw invalid(`${name}[${index}].${member} is the same as that of ${name}[${first}]`)
    })
  }
}

/** Throws `invalid_option` for options that contradict each other, so that revocations would not match tokens. */
export function checkContradictions(realm: TokenOptions, name: string): void {
  checkClaimNames(realm, name)
  if (realm.profile === 'rfc9068' && realm.subjectless === 'accept') {
    throw invalid(`${name}.subjectless cannot be 'accept' with profile 'rfc9068', which requires a subject (RFC 9068 §2.2)`)
  }
}

/** Claims with a fixed meaning. A user, session, app or version read from one of them would never match a revocation. */
const FIXED_CLAIMS: readonly string[] = ['exp', 'nbf', 'iat', 'auth_time', 'aud', 'cnf', 'rsq']

/** Each claim has one meaning: if two options name the same claim, revocations by one would follow the other's rules. */
function checkClaimNames({ issuerClaim = 'iss', claimNames, grantClaim }: TokenOptions, name: string): void {
  const claims = new Map<string, string>()
  const named = Object.entries({ ...CLAIM_NAMES, ...given(claimNames ?? {}) }).map(([role, claim]) => [`claimNames.${role}`, claim] as const)
  const all = [['issuerClaim', issuerClaim] as const, ...named, ...(grantClaim === undefined ? [] : [['grantClaim', grantClaim] as const])]
  for (const [option, claim] of all) {
    const other = claims.get(claim)
    if (other !== undefined) throw invalid(`${name}.${option} names the same claim as ${other}`)
    // A user's last login may serve as the last logout: every later token has at least that time.
    const isFixed = FIXED_CLAIMS.includes(claim) && !(option === 'claimNames.lastLogoutTime' && claim === 'auth_time')
    if (isFixed) throw invalid(`${name}.${option} cannot be '${claim}', whose meaning is fixed`)
    claims.set(claim, option)
  }
}

function hasPrivatePart(key: Partial<JWK>): boolean {
  return 'd' in key || 'p' in key || 'q' in key
}
