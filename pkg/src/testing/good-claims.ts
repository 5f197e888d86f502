import { CLAIM_NAMES } from '../policy.ts'
import type { TokenOptions } from '../types.ts'
import type { TestClaims } from './types.ts'

/** Claims and header of a token that a realm with these options accepts, besides those of every token of a test issuer. */
export function goodToken(options: TokenOptions, issuer: string, now: number): { claims: TestClaims; header: Record<string, unknown> } {
  const { issuerClaim = 'iss', audience, profile = 'generic', compare, requiredClaims = [] } = options
  const names = { ...CLAIM_NAMES, ...options.claimNames }
  const claims: TestClaims = {
    iss: undefined,
    [issuerClaim]: issuer,
    ...(audience === 'none' ? {} : { aud: Array.isArray(audience) ? audience[0] : audience }),
    sub: undefined,
    [names.subject]: 'alice',
    jti: undefined,
    [names.tokenId]: crypto.randomUUID(),
    [names.session]: 'session-1',
    ...(compare === 'authTime' ? { auth_time: now } : {}),
    ...kindOf(profile),
  }
  for (const name of requiredClaims) if (!(name in claims) && !ALWAYS.includes(name)) claims[name] = TIMES.includes(name) ? now : 'test'
  return { claims, header: profile === 'rfc9068' ? { typ: 'at+jwt' } : {} }
}

/** Claims of every token of a test issuer. */
const ALWAYS: readonly string[] = ['iat', 'exp']
const TIMES: readonly string[] = ['nbf', 'auth_time']

/** The claims by which a profile knows an access token. */
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
