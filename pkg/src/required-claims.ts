import { invalid } from './options.ts'
import type { TokenOptions } from './types.ts'

/**
 * Throws `invalid_option` for a list of required claims that omits one that every token needs, or includes one with
 * which every token is refused.
 */
export function checkRequiredClaims({ requiredClaims, impersonation }: TokenOptions, name: string): void {
  if (requiredClaims === undefined) return
  const missing = ALWAYS_REQUIRED.find(({ claim }) => !requiredClaims.includes(claim))
  if (missing !== undefined) {
    throw invalid(
      `${name}.requiredClaims leaves out ${missing.claim}, which every token must have: ${missing.reason}; add it to the list`,
    )
  }
  const refused = [CONFIRMATION, ...(impersonation === 'refuse' ? [ACTOR] : [])].find(({ claim }) =>
    requiredClaims.includes(claim),
  )
  if (refused === undefined) return
  throw invalid(
    `${name}.requiredClaims has ${refused.claim}, and every token with it is refused: ${refused.reason}; remove it from the list`,
  )
}

interface ClaimRule {
  readonly claim: string
  readonly reason: string
}

/** Claims that the core requires of every token, even if the list omits them. */
const ALWAYS_REQUIRED: readonly ClaimRule[] = [
  { claim: 'exp', reason: 'a revocation is kept until the tokens that it refuses have expired' },
  { claim: 'iat', reason: 'a logout refuses the tokens that were issued before it' },
]

/** The claims with which the core refuses every token. */
const CONFIRMATION: ClaimRule = {
  claim: 'cnf',
  reason: 'it binds the token to a key (RFC 7800 §3), and no proof of it is checked',
}
const ACTOR: ClaimRule = { claim: 'act', reason: "impersonation is 'refuse'" }
