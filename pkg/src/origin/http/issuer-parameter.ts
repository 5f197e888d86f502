import type { Act, OfIssuer } from '../api.ts'
import { invalidRequest, textParameter } from './input.ts'
import type { QueryParameter } from './operation.ts'
import type { Call } from './route.ts'

/** Query parameter of acts and queries about a user, a session or a token. */
export const ISSUER_PARAMETER: Readonly<Record<string, QueryParameter>> = {
  issuer: {
    description:
      "The `iss` of the tokens meant. Required where the realm's issuer has several names with users of their own, or tenants.",
    schema: { type: 'string', minLength: 1 },
  },
}

/** The name of the issuer that is meant, as the query says. Throws a `Problem` (400). */
export function issuerOf({ url }: Call): OfIssuer {
  const issuer = textParameter(url, 'issuer')
  // Left out, the act is about the first name: an empty value must not be taken for that.
  if (issuer === undefined && url.searchParams.has('issuer')) throw invalidRequest('issuer must not be empty')
  return issuer === undefined ? {} : { issuer }
}

/** The caller and the name of the issuer that is meant. Throws a `Problem` (400). */
export function actOfIssuer(call: Call): Act & OfIssuer {
  return { ...call.act(), ...issuerOf(call) }
}
