import { issuerNames } from '../issuer-names.ts'
import { CLAIM_NAMES } from '../policy.ts'
import { readPart } from '../token-part.ts'
import type { Check, ClaimNames, TokenOptions } from '../types.ts'

type TokenClaims = Readonly<Record<string, unknown>>

/**
 * Returns the checks; the failed one also says what to do, for administrators new to Keycloak: which setting to change,
 * by its name in Keycloak's console. A token only selects among these sentences; no part of it is copied into one.
 */
export function withKeycloakAdvice(checks: Check[], token: string, realms: readonly TokenOptions[]): Check[] {
  const failed = checks.find(({ outcome }) => outcome === 'failed')
  const advice = failed && adviceOn(failed, claimsOf(token), realmOf(checks, realms) ?? realms)
  if (advice === undefined) return checks
  return checks.map((check) =>
    check === failed ? { ...check, detail: [check.detail, advice].filter(Boolean).join(': ') } : check,
  )
}

/** Returns the token's realm, as identified by its check. */
function realmOf(checks: readonly Check[], realms: readonly TokenOptions[]): TokenOptions | undefined {
  const found = checks.find(({ check, outcome }) => check === 'realm' && outcome === 'passed')
  return found && realms.find(({ name }) => name === found.detail)
}

function claimsOf(token: string): TokenClaims {
  try {
    return readPart(token.split('.', 2)[1] ?? '') as TokenClaims
  } catch {
    return {}
  }
}

/** Returns advice on a token of one realm, or of none of several. */
function adviceOn(
  failed: Check,
  claims: TokenClaims,
  realm: TokenOptions | readonly TokenOptions[],
): string | undefined {
  if (Array.isArray(realm)) return failed.reason === 'wrong_issuer' ? issuerAdvice(claims, realm) : undefined
  return realmAdvice(failed, claims, realm as TokenOptions)
}

function issuerAdvice(claims: TokenClaims, realms: readonly TokenOptions[]): string | undefined {
  const isNear = (realm: TokenOptions): boolean => {
    const path = pathOf(claims[realm.issuerClaim ?? 'iss'])
    return (
      realm.profile === 'keycloak' &&
      path !== undefined &&
      issuerNames(realm).names.some((name) => pathOf(name) === path)
    )
  }
  const realm = realms.find(isNear)
  return realm && `${realm.issuerClaim ?? 'iss'} differs from the issuer of ${realm.name}${OTHER_HOST}`
}

function realmAdvice({ check, reason, detail }: Check, claims: TokenClaims, realm: TokenOptions): string | undefined {
  const isImpersonated = claims['act'] !== undefined && claims['act'] !== null && claims['act'] !== ''
  if (check === 'token_use' && realm.impersonation === 'refuse' && isImpersonated && detail === undefined)
    return IMPERSONATED
  if (realm.profile !== 'keycloak') return undefined
  const kind = typeof claims['typ'] === 'string' ? claims['typ'] : ''
  const otherKind = OTHER_KINDS.get(kind)
  const dependsOnKind = reason === 'unsupported_algorithm' || reason === 'unknown_key' || reason === 'wrong_type'
  if (otherKind !== undefined && dependsOnKind) return `this is ${otherKind}: send the access token`
  switch (check) {
    case 'audience':
      return realm.authorizedParty === undefined ? audienceAdvice(realm.audience) : undefined
    case 'binding':
      return kind === 'DPoP' ? DPOP : undefined
    case 'required_claims':
      return isSubject(detail, realm.claimNames) ? subjectAdvice(claims) : undefined
    case 'login':
      return reason === 'missing_claim' ? WITHOUT_LOGIN : undefined
  }
  return undefined
}

function audienceAdvice(audience: TokenOptions['audience']): string {
  return `${ONLY_ACCOUNT}${[audience].flat()[0]}${LIGHTWEIGHT_MAPPER}`
}

/** Returns whether the missing claim is the one that names the user. */
function isSubject(detail = '', { subject = CLAIM_NAMES.subject }: Partial<ClaimNames> = {}): boolean {
  return detail.startsWith(`${subject} is `)
}

/**
 * Returns the advice for a token without a subject. Keycloak's `jti` starts with two letters each for session, kind of
 * token (`lt`: lightweight) and grant.
 */
function subjectAdvice({ jti }: TokenClaims): string {
  return typeof jti === 'string' && /^[^]{2}lt[^]{2}:/.test(jti) ? LIGHTWEIGHT : WITHOUT_BASIC
}

/** Returns the path of a URL `scheme://host/path`. */
function pathOf(url: unknown): string | undefined {
  return typeof url === 'string' ? /^[^/]*\/[^/]*\/[^/]*\/([^]*)$/.exec(url)?.[1] : undefined
}

/** Kinds of tokens by Keycloak's claim `typ`. */
const OTHER_KINDS: ReadonlyMap<string, string> = new Map([
  ['ID', 'an ID token, which tells the client who has logged in'],
  ['Refresh', 'a refresh token, which only Keycloak can check'],
  ['Offline', 'a refresh token, which only Keycloak can check'],
  ['Logout', 'a logout token, which Keycloak sends to the back-channel logout URL of a client'],
])

const IMPERSONATED = "act names someone who acts for the user, and impersonation is 'refuse'"

const OTHER_HOST =
  ' only in scheme, host or port: Keycloak takes these from the URL by which it is called, unless it is started with --hostname. ' +
  'Start it so, or call it by the URL of the configured issuer'

const ONLY_ACCOUNT =
  "Keycloak itself adds 'account' at most. In Clients, the client, Client scopes, its dedicated scope: add a mapper of type Audience " +
  'with Included Custom Audience '

const LIGHTWEIGHT_MAPPER =
  ' and Add to access token; for lightweight access tokens also with Add to lightweight access token'

const BY_SESSION_ALONE =
  "Or set subjectless: 'accept'; the logout of a user then reaches such tokens by their sid alone"

const LIGHTWEIGHT =
  'this is a lightweight access token. In Client scopes, basic, Mappers, sub: switch Add to lightweight access token on. ' +
  BY_SESSION_ALONE

const WITHOUT_BASIC =
  'the client lacks the client scope basic, whose mapper adds it. In Clients, the client, Client scopes: add basic as Default. ' +
  BY_SESSION_ALONE

const WITHOUT_LOGIN =
  'Keycloak sets it at a browser login, but not for password or client credentials grants, in impersonated sessions, in lightweight ' +
  "access tokens or without the client scope basic. Set compare: 'issuedAt' to accept those"

const DPOP =
  'in Clients, the client, Settings: switch Require DPoP bound tokens off, and make the client send no DPoP header in token requests'
