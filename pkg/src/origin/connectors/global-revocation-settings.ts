import { bearerCredential, isBearerCredential } from '../../http/credential.ts'
import {
  callback,
  either,
  invalid,
  list,
  oneOf,
  required,
  rule,
  type Rule,
  type Rules,
  shape,
  string,
  url,
  withDefault,
} from '../../options.ts'
import { keySet } from '../../policy.ts'
import { type GlobalTokenRevocationOptions, IDENTIFIER_MEMBERS } from './global-revocation.ts'

interface Realm {
  name: string
  globalTokenRevocation?: GlobalTokenRevocationOptions
}

const MIN_SECRET_CHARACTERS = 16

const callerSecret: Rule<string> = rule(
  `a string of ${MIN_SECRET_CHARACTERS} or more characters: ${bearerCredential.expected}`,
  (value) => isBearerCredential(value) && value.length >= MIN_SECRET_CHARACTERS,
  { type: 'string', minLength: MIN_SECRET_CHARACTERS },
)

/** The rules of `GlobalTokenRevocationOptions`. */
export const GLOBAL_REVOCATION_RULES: Rules = {
  secrets: list(callerSecret),
  callers: list(
    shape({
      issuer: required(string),
      jwks: required(either(url, keySet)),
      audience: required(either(string, list(string, 1))),
      subject: either(string, list(string, 1)),
      untyped: withDefault(oneOf('refuse', 'accept'), 'refuse'),
    }),
  ),
  subjectsOf: shape(Object.fromEntries(Object.keys(IDENTIFIER_MEMBERS).map((format) => [format, callback]))),
}

/** Requires that each credential serves one realm only, so that it cannot name users of another. */
export function checkGlobalRevocation(realms: readonly Realm[]): void {
  const seen = new Map<string, string>()
  for (const [index, { name, globalTokenRevocation: given }] of realms.entries()) {
    if (given === undefined) continue
    const { secrets = [], callers = [] } = given
    const path = `options.realms[${index}].globalTokenRevocation`
    if (secrets.length + callers.length === 0)
      throw invalid(`${path} needs secrets or callers: without one no request could be authenticated`)
    for (const secret of secrets) {
      if (seen.has(secret))
        throw invalid(`${path}.secrets repeats a secret of realm ${seen.get(secret)} : give every realm its own`)
      seen.set(secret, name)
    }
    callers.forEach(({ issuer, audience, untyped, subject }, place) => {
      if (untyped === 'accept' && subject === undefined) {
        throw invalid(
          `${path}.callers[${place}].untyped 'accept' needs subject: other tokens of the provider may have the same aud`,
        )
      }
      for (const each of [audience].flat()) {
        const jwt = JSON.stringify([issuer, each])
        const other = seen.get(jwt) ?? name
        if (other !== name)
          throw invalid(
            `${path}.callers[${place}].audience is also used by realm ${other} for this issuer: give every realm its own URL`,
          )
        seen.set(jwt, name)
      }
    })
  }
}
