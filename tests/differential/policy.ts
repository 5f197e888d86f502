// Random options of a realm, with every default written out as documented.

import type { Algorithm, TokenOptions } from 'portcullis'
import { algorithmsOf, type PublishedKey } from './keys.ts'
import type { Random } from './random.ts'

/** The given options and the values derived from them. */
export interface Policy {
  options: TokenOptions
  /** Every accepted issuer, the primary one first. */
  issuers: readonly string[]
  /** With an issuer pattern: the claim that must equal the issuer's tenant. */
  tenantClaim: string | undefined
  tenantOf: ReadonlyMap<string, string>
  /** Whether the same `sub` of two issuers means two users. */
  separate: boolean
  issuerClaim: string
  audience: readonly string[] | 'none'
  parties: readonly string[] | undefined
  accessTokenClaim: string | undefined
  profile: 'rfc9068' | 'keycloak' | 'generic'
  algorithms: readonly Algorithm[]
  rsaAlgorithm: Algorithm
  names: {
    subject: string
    tokenId: string
    session: string
    tokenUse: string
    tokenVersion: string
    lastLogoutTime: string
    scope: string
  }
  /** Required claims other than `exp` and `iat`. */
  required: readonly string[]
  impersonation: 'accept' | 'mark' | 'refuse'
  compare: 'issuedAt' | 'authTime'
  grantClaim: string | undefined
  numericIds: 'refuse' | 'accept'
  /** Time options of the gate and of the origin. */
  gate: {
    leewaySeconds: number
    skewSeconds: number
    maxLifetimeSeconds: number
    maxTokenBytes: number
    whenStale: 'refuse' | 'accept'
    verifySignatures: 'fastest' | 'rust'
    verifiedTokenCacheEntries: number
  }
  origin: {
    leewaySeconds: number
    skewSeconds: number
    issuerSkewSeconds: number
    sourceSkewSeconds: number
    maxSessionSeconds: number
  }
  lifetimeOfOrigin: number
  /** Whether revocations are looked up. */
  revocation: 'feed' | 'unchecked'
  /** Whether the gate gets its keys from the feed. */
  keysInFeed: boolean
}

const ALL: readonly Algorithm[] = [
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

const ISSUER = 'https://issuer.example/realms/a'

/** Chooses a policy for these keys, at least one of which it allows. */
export function choosePolicy(random: Random, keys: readonly PublishedKey[], keysInFeed: boolean): Policy {
  const issuer = chooseIssuer(random)
  const profile = random.weighted([
    [5, 'generic'],
    [3, 'keycloak'],
    [2, 'rfc9068'],
  ] as const)
  const audience = random.weighted<string[] | 'none'>([
    [4, ['api']],
    [3, ['api', 'https://api.example/']],
    [profile === 'rfc9068' ? 0 : 3, 'none'],
  ])
  const parties = profile !== 'rfc9068' && random.chance(0.35) ? random.pick([['app'], ['app', 'web']]) : undefined
  const names = chooseNames(random)
  const withoutTokenId =
    profile === 'rfc9068'
      ? 'refuse'
      : random.weighted([
          [7, 'refuse'],
          [2, 'session'],
          [1, 'user'],
        ] as const)
  const subjectless =
    profile === 'rfc9068' || withoutTokenId === 'user'
      ? 'refuse'
      : random.weighted([
          [4, 'refuse'],
          [1, 'accept'],
        ] as const)
  const listed = random.chance(0.25)
    ? ['exp', 'iat', ...random.some([names.subject, 'azp', 'roles', 'nbf'], 0.4)]
    : undefined
  const lifetime = random.pick([300, 3_600, 86_400])
  const compare = random.weighted([
    [4, 'issuedAt'],
    [1, 'authTime'],
  ] as const)
  const grantClaim = random.chance(0.15) ? 'app_id' : undefined
  const accessTokenClaim = parties !== undefined && random.chance(0.4) ? 'roles' : undefined
  const rsaAlgorithm = random.weighted<Algorithm>([
    [4, 'RS256'],
    [1, 'PS256'],
    [1, 'RS512'],
  ])
  const algorithms = random.chance(0.2)
    ? [...new Set([...random.some(ALL, 0.5), ...algorithmsOf(random.pick(keys), rsaAlgorithm)])]
    : ALL
  const impersonation = random.weighted([
    [3, 'accept'],
    [1, 'mark'],
    [2, 'refuse'],
  ] as const)
  const numericIds = random.weighted([
    [3, 'refuse'],
    [2, 'accept'],
  ] as const)
  const revocation = keysInFeed || random.chance(0.9) ? 'feed' : 'unchecked'
  return {
    options: {
      name: 'a',
      ...issuer.options,
      audience,
      ...(parties === undefined ? {} : { authorizedParty: parties }),
      ...(accessTokenClaim === undefined ? {} : { accessTokenClaim }),
      profile,
      ...(algorithms === ALL ? {} : { algorithms }),
      rsaAlgorithm,
      claimNames: names,
      ...(listed === undefined ? {} : { requiredClaims: listed }),
      withoutTokenId,
      subjectless,
      impersonation,
      compare,
      ...(grantClaim === undefined ? {} : { grantClaim }),
      numericIds,
    } as TokenOptions,
    ...issuer.values,
    audience,
    parties,
    accessTokenClaim,
    profile,
    algorithms,
    rsaAlgorithm,
    names,
    required: requiredOf(profile, names, listed, withoutTokenId, subjectless),
    impersonation,
    compare,
    grantClaim,
    numericIds,
    ...chooseBounds(random, lifetime),
    revocation,
    keysInFeed,
  }
}

type IssuerValues = Pick<Policy, 'issuers' | 'tenantClaim' | 'tenantOf' | 'separate' | 'issuerClaim'>

function chooseIssuer(random: Random): { options: Partial<TokenOptions>; values: IssuerValues } {
  const kind = random.weighted([
    [5, 'one'],
    [2, 'several'],
    [1, 'aliases'],
    [1, 'tenants'],
    [1, 'renamed'],
  ] as const)
  const one = { issuers: [ISSUER], tenantClaim: undefined, tenantOf: new Map(), separate: false, issuerClaim: 'iss' }
  const several = [ISSUER, 'https://second.example/']
  switch (kind) {
    case 'one':
      return { options: { issuer: ISSUER }, values: one }
    case 'several':
      return { options: { issuer: several }, values: { ...one, issuers: several, separate: true } }
    case 'aliases':
      return { options: { issuer: several, sameSubjects: true }, values: { ...one, issuers: several } }
    case 'tenants': {
      const tenants = ['t-1', 't-2']
      const tenantOf = new Map(tenants.map((tenant) => [`https://issuer.example/${tenant}/v2.0`, tenant]))
      const options = { issuer: 'https://issuer.example/{tid}/v2.0', tenants }
      return {
        options,
        values: { ...one, issuers: [...tenantOf.keys()], tenantClaim: 'tid', tenantOf, separate: true },
      }
    }
    case 'renamed':
      return {
        options: { issuer: 'a realm', issuerClaim: 'realm' },
        values: { ...one, issuers: ['a realm'], issuerClaim: 'realm' },
      }
  }
}

function chooseNames(random: Random): Policy['names'] {
  const usual = {
    subject: 'sub',
    tokenId: 'jti',
    session: 'sid',
    tokenUse: 'token_use',
    tokenVersion: 'token_version',
    lastLogoutTime: 'last_logout_time',
    scope: 'scope',
  }
  return random.chance(0.8)
    ? usual
    : { ...usual, subject: 'uid', tokenId: 'tid_of_token', session: 'session_id', tokenVersion: 'ver', scope: 'scp' }
}

/**
 * Derives required claims from `TokenOptions.requiredClaims`, `withoutTokenId` and `subjectless`, with RFC 9068 §2.2.
 */
function requiredOf(
  profile: Policy['profile'],
  { subject, tokenId, session }: Policy['names'],
  listed: readonly string[] | undefined,
  withoutTokenId: 'refuse' | 'session' | 'user',
  subjectless: 'refuse' | 'accept',
): readonly string[] {
  const required = new Set(
    listed ?? (withoutTokenId === 'refuse' ? [subject, tokenId] : withoutTokenId === 'session' ? [subject] : []),
  )
  if (withoutTokenId === 'session') required.add(session)
  if (withoutTokenId === 'user') required.add(subject)
  if (profile === 'rfc9068') for (const name of [subject, tokenId, 'aud', 'client_id']) required.add(name)
  if (subjectless === 'accept') required.delete(subject)
  for (const always of ['exp', 'iat']) required.delete(always)
  return [...required]
}

function chooseBounds(random: Random, lifetime: number): Pick<Policy, 'gate' | 'origin' | 'lifetimeOfOrigin'> {
  const skewSeconds = random.pick([0, 2, 5])
  return {
    gate: {
      leewaySeconds: random.pick([0, 5, 30]),
      skewSeconds: random.pick([0, 5]),
      maxLifetimeSeconds: random.chance(0.5) ? lifetime : 86_400,
      maxTokenBytes: random.chance(0.2) ? 700 : 16_384,
      whenStale: random.chance(0.3) ? 'accept' : 'refuse',
      verifySignatures: random.chance(0.2) ? 'rust' : 'fastest',
      verifiedTokenCacheEntries: random.pick([10_000, 10_000, 10, 0]),
    },
    origin: {
      leewaySeconds: random.pick([0, 5, 30]),
      skewSeconds,
      issuerSkewSeconds: random.below(skewSeconds + 1),
      sourceSkewSeconds: random.pick([0, 0, 1]),
      maxSessionSeconds: random.pick([lifetime, 2 * lifetime]),
    },
    lifetimeOfOrigin: lifetime,
  }
}

/** The bounds in force at the gate: its own until the first statement, then the smaller of both. */
export interface Bounds {
  leeway: number
  skew: number
  lifetime: number
  /** The greatest age of a login. */
  session: number
}

export function boundsOf({ gate, origin, lifetimeOfOrigin, compare, options }: Policy, stated: boolean): Bounds {
  const longest = Math.min(gate.maxLifetimeSeconds, options.maxLifetimeSeconds ?? Infinity)
  const own = { leeway: gate.leewaySeconds, skew: gate.skewSeconds, lifetime: longest }
  if (!stated) return { ...own, session: own.lifetime }
  // A token from further in the future than a not-before of 'now' covers would be accepted again after a logout.
  const reach = Math.min(origin.skewSeconds, Math.max(origin.issuerSkewSeconds, 1))
  const lifetime = Math.min(own.lifetime, lifetimeOfOrigin)
  return {
    leeway: Math.min(own.leeway, origin.leewaySeconds),
    skew: Math.min(own.skew, reach),
    lifetime,
    session: compare === 'authTime' ? Math.max(origin.maxSessionSeconds, lifetime) : lifetime,
  }
}
