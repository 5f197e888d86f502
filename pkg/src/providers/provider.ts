import { PortcullisError } from '../errors.ts'
import type { TokenOptions } from '../types.ts'

/** The options of a realm, for a gate (`{ ...realm, feed }`) and, unchanged, for an origin. */
export interface ProviderRealm extends TokenOptions {
  /** Where the provider publishes its keys. */
  jwks: string
}

/**
 * Returns the options of a realm. Throws `invalid_option` for options of the wrong form; the message lists the
 * provider's options.
 */
export interface Provider<Options> {
  (options: Options): ProviderRealm
  readonly facts: ProviderFacts
}

/** Facts from the vendor's documentation, with their source. */
export interface ProviderFacts {
  /** The name as the vendor writes it. */
  readonly name: string
  /** The vendor's page that describes these tokens. */
  readonly source: `https://${string}`
  /** The date on which it was read, such as `2026-12-01`. */
  readonly readOn: string
  readonly tokens: ProviderTokens
  /** The kinds of revocation that can match these tokens, given their claims. */
  readonly reaches: readonly Reach[]
  /** How the origin learns of a logout at the provider. */
  readonly hears: { readonly receiver: Receiver; readonly how: string }
  /** The default lifetime of a token in seconds; absent if the vendor documents none. */
  readonly lifetimeSeconds?: number
}

/** The tokens that the options are for. `id`: ID tokens, if the vendor's APIs accept no others. */
export type ProviderTokens = 'access' | 'id' | 'session' | 'service account'

/** One token, a session, a user, a client, a client of one user, or all tokens of the realm. */
export type Reach = 'token' | 'session' | 'user' | 'client' | 'grant' | 'realm'

/**
 * The origin's receiver: OpenID Connect Back-Channel Logout, Shared Signals (`events`), Global Token Revocation, the
 * Keycloak connector. `webhook`: the vendor calls your endpoint, which calls a method of the origin. `none`: your own
 * logout does.
 */
export type Receiver = 'backchannel-logout' | 'events' | 'global-token-revocation' | 'keycloak' | 'webhook' | 'none'

/** The form of an option: `expected` completes the sentence "must be …". */
export interface Form {
  readonly expected: string
  readonly test: (value: unknown) => boolean
  readonly need?: 'optional'
}

interface ProviderDeclaration<Options> {
  facts: ProviderFacts
  /** The form of each option. */
  options: { readonly [Name in keyof Options]-?: Form }
  realm: (options: Options) => ProviderRealm
}

/** Returns a provider for its declaration. */
export function provider<Options extends object>({
  facts,
  options: forms,
  realm,
}: ProviderDeclaration<Options>): Provider<Options> {
  const known = Object.entries<Form>(forms)
  return Object.assign(
    (options: Options): ProviderRealm => {
      // `undefined` is treated as `{}`.
      const given = Object(options) as Record<string, unknown>
      const isRight = ([name, { test, need }]: [string, Form]): boolean =>
        given[name] === undefined ? need === 'optional' : test(given[name])
      if (!known.every(isRight) || !Object.keys(given).every((name) => Object.hasOwn(forms, name))) {
        const takes = known.map(([name, { expected, need }]) => `${name}${need === undefined ? '' : '?'}: ${expected}`)
        throw new PortcullisError('invalid_option', `The options of ${facts.name} must be { ${takes.join('; ')} }`)
      }
      return realm(options)
    },
    { facts },
  )
}
