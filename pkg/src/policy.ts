import { checkIssuer, type IssuerNames, issuerNames, MAX_ISSUER_NAMES } from './issuer-names.ts'
import {
  boolean,
  boundedList,
  defaultsOf,
  either,
  given,
  integer,
  invalid,
  isObject,
  list,
  oneOf,
  pattern,
  required,
  type Rule,
  rule,
  type Rules,
  shape,
  string,
  withDefault,
} from './options.ts'
import { checkRequiredClaims } from './required-claims.ts'
import type { Algorithm, ClaimNames, JWK, JWKS, TokenOptions } from './types.ts'

/** A realm's token options in the form the core takes, with all defaults applied. */
export interface CorePolicy {
  name: string
  /** Determines the realm's id: the first name of the issuer, or its pattern. */
  issuer: string
  issuerNames: string[]
  /** With a pattern: the tenant of each name; otherwise empty. */
  tenants: string[]
  /** With a pattern: the claim that must equal the tenant. */
  tenantClaim?: string
  sameSubjects: boolean
  issuerClaim: string
  audience: string[] | 'none'
  /** Default: tokens without an audience are refused, unless `audience` is `'none'`. */
  authorizedParty?: string[]
  accessTokenClaim?: string
  profile: 'rfc9068' | 'keycloak' | 'generic'
  algorithms: Algorithm[]
  rsaAlgorithm: Algorithm
  /** Default: the claims that the profile requires. */
  requiredClaims?: string[]
  subjectless: 'refuse' | 'accept'
  impersonation: 'accept' | 'mark' | 'refuse'
  compare: 'issuedAt' | 'authTime'
  claimNames: ClaimNames
  numericIds: 'refuse' | 'accept'
  /** Default: `azp` and `client_id`. */
  grantClaim?: string
  /** The smaller of this and the gate's applies. Default: the gate's. */
  maxLifetimeSeconds?: number
}

/** Applies the defaults. */
export function corePolicy(options: TokenOptions): CorePolicy {
  const filled = { ...defaultsOf(TOKEN), ...given(options) }
  const { name, issuerClaim, audience, authorizedParty, accessTokenClaim, profile, algorithms, rsaAlgorithm, ...rest } =
    filled
  const { subjectless, impersonation, compare, numericIds, grantClaim } = rest
  const claimNames = { ...CLAIM_NAMES, ...given(rest.claimNames ?? {}) }
  const requiredClaims = requiredOf(options, claimNames)
  const { id, names, ...tenants }: IssuerNames = issuerNames(options)
  return {
    name,
    issuer: id,
    issuerNames: names,
    ...tenants,
    sameSubjects: rest.sameSubjects,
    issuerClaim,
    audience: audience === 'none' || Array.isArray(audience) ? audience : [audience],
    ...(authorizedParty === undefined
      ? {}
      : { authorizedParty: typeof authorizedParty === 'string' ? [authorizedParty] : authorizedParty }),
    ...(accessTokenClaim === undefined ? {} : { accessTokenClaim }),
    profile,
    algorithms,
    rsaAlgorithm,
    ...(requiredClaims === undefined ? {} : { requiredClaims }),
    subjectless,
    impersonation,
    compare,
    claimNames,
    numericIds,
    ...(grantClaim === undefined ? {} : { grantClaim }),
    ...(rest.maxLifetimeSeconds === undefined ? {} : { maxLifetimeSeconds: rest.maxLifetimeSeconds }),
  }
}

/**
 * Returns the required claims, or `undefined` for those of the profile. A token without an id must have the claims by
 * which it can be revoked.
 */
function requiredOf(
  { requiredClaims, withoutTokenId = 'refuse' }: TokenOptions,
  { subject, session }: ClaimNames,
): string[] | undefined {
  switch (withoutTokenId) {
    case 'refuse':
      return requiredClaims
    case 'session':
      return [...new Set([...(requiredClaims ?? [subject]), session])]
    case 'user':
      return [...new Set([...(requiredClaims ?? []), subject])]
  }
}

export const ALGORITHMS: readonly Algorithm[] = [
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
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

/** The usual claim names. */
export const CLAIM_NAMES: Readonly<ClaimNames> = defaultsOf(CLAIMS)

/** Realm names are part of URLs, so only characters that need no escaping are allowed. */
const realmName = pattern(
  "1 to 64 letters, digits, '-', '_' or '.', not starting with '.'",
  /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$/,
)

/** One path segment of a URL, not encoded. */
const tenant = pattern('1 to 255 characters without spaces, slashes, braces, ? and #', /^[^\s/?#{}]{1,255}$/)

const TOKEN = {
  name: required(realmName),
  issuer: required(either(string, boundedList(string, 1, MAX_ISSUER_NAMES))),
  tenants: boundedList(tenant, 1, MAX_ISSUER_NAMES),
  sameSubjects: withDefault(boolean, false),
  audience: required(either(string, list(string, 1))),
  authorizedParty: either(string, list(string, 1)),
  accessTokenClaim: string,
  profile: withDefault(oneOf('rfc9068', 'keycloak', 'generic'), 'generic'),
  algorithms: withDefault(list(oneOf(...ALGORITHMS), 1), [...ALGORITHMS]),
  rsaAlgorithm: withDefault(oneOf<Algorithm>('RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'), 'RS256'),
  issuerClaim: withDefault(string, 'iss'),
  claimNames: shape(CLAIMS),
  numericIds: withDefault(oneOf('refuse', 'accept'), 'refuse'),
  requiredClaims: list(string),
  withoutTokenId: withDefault(oneOf('refuse', 'session', 'user'), 'refuse'),
  maxLifetimeSeconds: integer('whole seconds', 1),
  subjectless: withDefault(oneOf('refuse', 'accept'), 'refuse'),
  impersonation: withDefault(oneOf('accept', 'mark', 'refuse'), 'accept'),
  compare: withDefault(oneOf('issuedAt', 'authTime'), 'issuedAt'),
  grantClaim: string,
} satisfies Rules

/** The rules of `TokenOptions`, for the options of gates and origins. */
export const TOKEN_RULES: Rules = TOKEN

/** An Ed25519 public key (RFC 8037 §2). */
export const feedKey: Rule<JWK> = rule(
  "an Ed25519 public key as a JWK: kty 'OKP', crv 'Ed25519', x of 32 bytes, and no d",
  (value) =>
    isObject(value) &&
    value['kty'] === 'OKP' &&
    value['crv'] === 'Ed25519' &&
    typeof value['x'] === 'string' &&
    /^[A-Za-z0-9_-]{43}$/.test(value['x']) &&
    !hasPrivatePart(value),
)

/** A JWK set in a gate's configuration, without private keys. */
export const keySet: Rule<JWKS> = rule(
  'a JWK set ({ keys: […] }) without private keys',
  (value) =>
    isObject(value) &&
    Array.isArray(value['keys']) &&
    value['keys'].every((key: unknown) => isObject(key) && !hasPrivatePart(key)),
  { type: 'object', required: ['keys'], properties: { keys: { type: 'array', items: { type: 'object' } } } },
)

/**
 * Throws `invalid_option` unless realm names and issuers are unique, including every name of an issuer: each of them
 * selects a realm.
 */
export function checkDistinct(realms: readonly TokenOptions[], name: string): void {
  checkNoneTwice(
    realms.map((realm) => [realm.name]),
    'name',
    name,
  )
  checkNoneTwice(
    realms.map((realm) => [...new Set([issuerNames(realm).id, ...issuerNames(realm).names])]),
    'issuer',
    name,
  )
}

function checkNoneTwice(values: readonly string[][], member: string, name: string): void {
  const places = new Map<string, number>()
  values.forEach((own, index) => {
    for (const value of own) {
      const first = places.get(value)
      if (first !== undefined) throw invalid(`${name}[${index}].${member} is the same as that of ${name}[${first}]`)
      places.set(value, index)
    }
  })
}

/** Throws `invalid_option` for contradictory options, with which revocations would not match tokens. */
export function checkContradictions(realm: TokenOptions, name: string): void {
  checkIssuer(realm, name)
  checkClaimNames(realm, name)
  checkTokenId(realm, name)
  if (realm.profile === 'rfc9068' && realm.subjectless === 'accept') {
    throw invalid(
      `${name}.subjectless cannot be 'accept' with profile 'rfc9068', which requires a subject (RFC 9068 §2.2)`,
    )
  }
  if (realm.authorizedParty !== undefined && realm.profile === 'rfc9068' && realm.audience !== 'none') {
    throw invalid(
      `${name}.authorizedParty would never be checked with profile 'rfc9068', which requires an audience (RFC 9068 §2.2)`,
    )
  }
  checkAccessTokenClaim(realm, name)
  checkRequiredClaims(realm, name)
}

/** Throws `invalid_option` if the claim that marks access tokens is one that ID tokens also have. */
function checkAccessTokenClaim(
  { accessTokenClaim, authorizedParty, issuerClaim = 'iss', claimNames }: TokenOptions,
  name: string,
): void {
  if (accessTokenClaim === undefined) return
  if (authorizedParty === undefined)
    throw invalid(`${name}.accessTokenClaim needs authorizedParty: it is used for nothing else`)
  const everywhere = [...FIXED_CLAIMS, issuerClaim, claimNames?.subject ?? CLAIM_NAMES.subject, 'azp', 'client_id']
  if (everywhere.includes(accessTokenClaim))
    throw invalid(`${name}.accessTokenClaim cannot be '${accessTokenClaim}', which ID tokens have as well`)
}

/** Throws `invalid_option` for options with which a token without an id could not be revoked. */
function checkTokenId(
  { withoutTokenId = 'refuse', profile, subjectless, requiredClaims, claimNames }: TokenOptions,
  name: string,
): void {
  if (withoutTokenId === 'refuse') return
  if (profile === 'rfc9068')
    throw invalid(`${name}.withoutTokenId must be 'refuse' with profile 'rfc9068', which requires jti (RFC 9068 §2.2)`)
  if (withoutTokenId === 'user' && subjectless === 'accept') {
    throw invalid(
      `${name}.withoutTokenId cannot be 'user' with subjectless 'accept': a token without user and id could not be revoked`,
    )
  }
  if (requiredClaims?.includes(claimNames?.tokenId ?? CLAIM_NAMES.tokenId)) {
    throw invalid(
      `${name}.requiredClaims names the token id, and withoutTokenId accepts tokens without it: leave one of them out`,
    )
  }
}

/**
 * Claims with a fixed meaning. A user, session, app or version read from one of them would never match a revocation.
 */
const FIXED_CLAIMS: readonly string[] = ['exp', 'nbf', 'iat', 'auth_time', 'aud', 'cnf', 'rsq']

/**
 * Throws `invalid_option` if two options name the same claim: revocations by one option would then follow the other's
 * rules.
 */
function checkClaimNames({ issuerClaim = 'iss', claimNames, grantClaim }: TokenOptions, name: string): void {
  const claims = new Map<string, string>()
  const named = Object.entries({ ...CLAIM_NAMES, ...given(claimNames ?? {}) }).map(
    ([role, claim]) => [`claimNames.${role}`, claim] as const,
  )
  const all = [
    ['issuerClaim', issuerClaim] as const,
    ...named,
    ...(grantClaim === undefined ? [] : [['grantClaim', grantClaim] as const]),
  ]
  for (const [option, claim] of all) {
    const other = claims.get(claim)
    if (other !== undefined) throw invalid(`${name}.${option} names the same claim as ${other}`)
    // A user's last login may serve as the last logout: every later token is issued no earlier.
    const isFixed = FIXED_CLAIMS.includes(claim) && !(option === 'claimNames.lastLogoutTime' && claim === 'auth_time')
    if (isFixed) throw invalid(`${name}.${option} cannot be '${claim}', whose meaning is fixed`)
    claims.set(claim, option)
  }
}

/** Returns whether a key has private members. A member that is `null` counts as absent. */
function hasPrivatePart(key: Readonly<Record<string, unknown>>): boolean {
  return ['d', 'p', 'q'].some((member) => (key[member] ?? undefined) !== undefined)
}
