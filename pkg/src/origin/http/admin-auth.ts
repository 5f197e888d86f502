import { refused } from '../../http/refusal.ts'
import { bearerCredentials } from './bearer-credentials.ts'
import type { Context } from './context.ts'
import { issuerNames } from '../../issuer-names.ts'
import { isObject } from '../../options.ts'
import type { Claims } from '../../types.ts'
import type { RealmSettings } from '../settings.ts'
import { refusedToken } from './problem.ts'

/** An administrator, as named in the audit log. */
export interface Administrator {
  realm: string
  subject: string | undefined
}

/**
 * Accepts a valid bearer access token with the realm's administrator role, judged by the origin's own gate. The role
 * must be one of the token's own realm, under the first name of its issuer. Throws a `Problem`: 401, 403, or 503
 * without keys.
 */
export async function admitAdministrator(
  context: Pick<Context, 'gate' | 'settings'>,
  request: Request,
  realm: string,
): Promise<Administrator> {
  const token = bearerCredentials(request)
  // A scheme without a token counts as invalid credentials.
  if (token === '') throw refusedToken(refused('malformed'))
  const judged = await context.gate.check(token)
  if (!judged.ok) throw refusedToken(judged)
  const settings = context.settings.realms.find(({ name }) => name === realm)
  if (judged.realm !== realm || settings === undefined || !isAdministrator(settings, judged.claims)) {
    throw refusedToken(refused('insufficient_scope'))
  }
  return { realm: judged.realm, subject: subjectOf(judged.claims) }
}

/**
 * Returns the id of the administrator. With `numericIds: 'accept'` a `sub` may be a number whose digits are the id;
 * `null` counts as absent.
 */
function subjectOf({ sub }: { sub?: unknown }): string | undefined {
  return typeof sub === 'string' || typeof sub === 'number' ? String(sub) : undefined
}

/**
 * Whether a token is an administrator's. Only the first issuer name counts, because another name may be another server.
 * A tenant's administrators administer only their tenant, not what all names share.
 */
function isAdministrator(realm: RealmSettings, claims: Claims): boolean {
  const { names, tenantClaim } = issuerNames(realm)
  const isOfFirstName = tenantClaim === undefined && claims[realm.issuerClaim ?? 'iss'] === names[0]
  return isOfFirstName && rolesOf(claims).includes(realm.adminRole)
}

/** Returns the realm roles, in the form of Keycloak's tokens. */
function rolesOf(claims: Claims): unknown[] {
  const access = claims['realm_access']
  return isObject(access) && Array.isArray(access['roles']) ? access['roles'] : []
}
