import type { Act, OfIssuer } from '../api.ts'
import { invalidRequest, textParameter } from './input.ts'
import type { QueryParameter } from './operation.ts'
import type { Call } from './route.ts'

/** The query parameter of acts and queries about a user, a session or a token. */
export const ISSUER_PARAMETER: Readonly<Record<string, QueryParameter>> = {
  issuer: {
    description:
      "The `iss` of the affected tokens. Required where the realm's issuer has several names with users of their own, or tenants.",
    schema: { type: 'string', minLength: 1 },
  },
}

/** Returns the issuer name in the query. Throws a `Problem` (400). */
export function issuerOf({ url }: Call): OfIssuer {
  const issuer = textParameter(url, 'issuer')
  // Without the parameter the act concerns the first name, so an empty value must not count as absent.
  if (issuer === undefined && url.searchParams.has('issuer')) throw invalidRequest('issuer must not be empty')
  return issuer === undefined ? {} : { issuer }
}

/** Returns the caller and the issuer name in the query. Throws a `Problem` (400). */
export function actOfIssuer(call: Call): Act & OfIssuer {
  return { ...call.act(), ...issuerOf(call) }
}
