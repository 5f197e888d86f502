import { invalid } from './options.ts'
import type { TokenOptions } from './types.ts'

/** The names under which a realm's issuer may sign, in the form the core takes. */
export interface IssuerNames {
  /** Determines the realm's id: the first name, or the pattern. */
  id: string
  /** Every accepted `iss`. */
  names: string[]
  /** With a pattern: the tenant of each name, in the same order; otherwise empty. */
  tenants: string[]
  /** With a pattern: the claim that must equal the tenant. */
  tenantClaim?: string
}

/** Returns the names of a realm's issuer. A pattern without tenants, which `checkIssuer` refuses, counts as a name. */
export function issuerNames({ issuer, tenants }: Pick<TokenOptions, 'issuer' | 'tenants'>): IssuerNames {
  const names = typeof issuer === 'string' ? [issuer] : issuer
  const [id = ''] = names
  const { before, claim, after } = patternOf(id) ?? {}
  if (tenants === undefined || claim === undefined) return { id, names, tenants: [] }
  return { id, names: tenants.map((tenant) => `${before}${tenant}${after}`), tenants, tenantClaim: claim }
}

/**
 * Returns whether equal subjects under different names are separate users, so that every revocation must state the
 * name.
 */
export function separatesSubjects(options: Pick<TokenOptions, 'issuer' | 'tenants' | 'sameSubjects'>): boolean {
  const { names, tenantClaim } = issuerNames(options)
  return options.sameSubjects !== true && (names.length > 1 || tenantClaim !== undefined)
}

/** Throws `invalid_option` for contradictory names and tenants. */
export function checkIssuer({ issuer, issuerClaim = 'iss', tenants, sameSubjects }: TokenOptions, name: string): void {
  const names = typeof issuer === 'string' ? [issuer] : issuer
  const patterns = names.map(patternOf).filter((found) => found !== undefined)
  if (new Set(names).size < names.length) throw invalid(`${name}.issuer has the same name twice`)
  if (tenants === undefined) {
    if (patterns.length > 0)
      throw invalid(`${name}.tenants is missing: issuer has a segment in braces, and tenants lists its accepted values`)
  } else {
    const [pattern] = patterns
    if (names.length > 1 || pattern === undefined) {
      throw invalid(
        `${name}.tenants needs one issuer with one whole path segment in braces, such as 'https://issuer.example/{tid}/v2.0'`,
      )
    }
    if (pattern.claim === issuerClaim)
      throw invalid(`${name}.issuer has the issuer's own claim in braces; name the tenant's`)
    if (NUMERIC_CLAIMS.includes(pattern.claim))
      throw invalid(
        `${name}.issuer has the claim ${pattern.claim} in braces, which is a number and so never equals a tenant`,
      )
    if (new Set(tenants).size < tenants.length) throw invalid(`${name}.tenants has the same tenant twice`)
  }
  if (sameSubjects === true && names.length === 1 && tenants === undefined) {
    throw invalid(`${name}.sameSubjects needs several names in issuer, or tenants`)
  }
}

/** Maximum number of names or tenants of one realm. */
export const MAX_ISSUER_NAMES = 1_000

/** Claims that are always numbers (RFC 7519 §4.1, OpenID Connect Core 1.0 §2). */
const NUMERIC_CLAIMS: readonly string[] = ['exp', 'nbf', 'iat', 'auth_time']

/** A URL with one whole path segment in braces, and no braces elsewhere. */
const PATTERN = /^(https?:\/\/[^{}/?#\s]+\/(?:[^{}?#\s]*\/)?)\{([^{}/?#\s]+)\}((?:\/[^{}?#\s]*)?)$/

function patternOf(issuer: string): { before: string; claim: string; after: string } | undefined {
  const [, before = '', claim = '', after = ''] = PATTERN.exec(issuer) ?? []
  return claim === '' ? undefined : { before, claim, after }
}
