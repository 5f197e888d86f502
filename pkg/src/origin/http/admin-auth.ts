import { refused } from '../../http/refusal.ts'
import { bearerCredentials } from './bearer-credentials.ts'
import type { Context } from './context.ts'
import { isObject } from '../../options.ts'
import type { Claims } from '../../types.ts'
import { refusedToken } from './problem.ts'

/** An administrator, as the audit log names one. */
export interface Administrator {
  realm: string
  subject: string | undefined
}

/**
 * Admits the bearer of a valid access token with the realm's administrator role, judged by the origin's own gate; the
 * role is one of the token's own realm. Throws a `Problem`: 401, 403, or 503 without keys.
 */
export async function admitAdministrator(context: Pick<Context, 'gate' | 'settings'>, request: Request, realm: string): Promise<Administrator> {
  const token = bearerCredentials(request)
  // A scheme with nothing after it presents credentials, and bad ones.
  if (token === '') throw refusedToken(refused('malformed'))
  const judged = await context.gate.check(token)
  if (!judged.ok) throw refusedToken(judged)
  const role = context.settings.realms.find(({ name }) => name === realm)?.adminRole
  if (judged.realm !== realm || role === undefined || !rolesOf(judged.claims).includes(role)) {
    throw refusedToken(refused('insufficient_scope'))
  }
  return { realm: judged.realm, subject: judged.claims.sub }
}

/** The realm roles, as Keycloak's tokens carry them. */
function rolesOf(claims: Claims): unknown[] {
  const access = claims['realm_access']
  return isObject(access) && Array.isArray(access['roles']) ? access['roles'] : []
}
