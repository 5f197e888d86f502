import { issuerNames } from '../issuer-names.ts'
import { CLAIM_NAMES } from '../policy.ts'
import type { ClaimNames, TokenOptions } from '../types.ts'
import type { TestClaims } from './types.ts'

/** Returns claims and header of a token that a realm with these options accepts, except for `iat` and `exp`. */
export function goodToken(options: TokenOptions, now: number): { claims: TestClaims; header: Record<string, unknown> } {
  const { issuerClaim = 'iss', compare, requiredClaims = [], withoutTokenId = 'refuse', profile = 'generic' } = options
  const {
    names: [issuer],
    tenants: [tenant],
    tenantClaim,
  } = issuerNames(options)
  const names = { ...CLAIM_NAMES, ...options.claimNames }
  const claims: TestClaims = {
    iss: undefined,
    [issuerClaim]: issuer,
    ...(tenantClaim === undefined ? {} : { [tenantClaim]: tenant }),
    sub: undefined,
    [names.subject]: 'alice',
    jti: undefined,
    ...(withoutTokenId === 'refuse' ? { [names.tokenId]: crypto.randomUUID() } : {}),
    [names.session]: 'session-1',
    ...(compare === 'authTime' ? { auth_time: now } : {}),
    ...kindOf(profile),
    ...receiversOf(options, names),
  }
  for (const name of requiredClaims)
    if (!(name in claims) && !ALWAYS.includes(name)) claims[name] = TIMES.includes(name) ? now : 'test'
  return { claims, header: profile === 'rfc9068' ? { typ: 'at+jwt' } : {} }
}

/** Claims of every token of a test issuer. */
const ALWAYS: readonly string[] = ['iat', 'exp']
const TIMES: readonly string[] = ['nbf', 'auth_time']

/** Returns the claims that mark an access token in a profile. */
function kindOf(profile: NonNullable<TokenOptions['profile']>): TestClaims {
  switch (profile) {
    case 'generic':
      return { azp: 'app' }
    case 'keycloak':
      return { azp: 'app', typ: 'Bearer' }
    case 'rfc9068':
      return { client_id: 'app' }
  }
}

/** Returns the audience, or with `authorizedParty` the party and a mark of an access token. */
function receiversOf(
  { audience, authorizedParty, accessTokenClaim }: TokenOptions,
  { tokenUse }: ClaimNames,
): TestClaims {
  if (authorizedParty === undefined) return audience === 'none' ? {} : { aud: firstOf(audience) }
  return {
    azp: firstOf(authorizedParty),
    ...(accessTokenClaim === undefined ? { [tokenUse]: 'access' } : { [accessTokenClaim]: 'test' }),
  }
}

function firstOf(values: string | string[]): string | undefined {
  return typeof values === 'string' ? values : values[0]
}
