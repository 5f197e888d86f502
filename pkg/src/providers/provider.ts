import { PortcullisError } from '../errors.ts'
import type { TokenOptions } from '../types.ts'

/** The options of a realm, for a gate (`{ ...realm, feed }`) and, as they are, for an origin. */
export interface ProviderRealm extends TokenOptions {
  /** Where the provider publishes its keys. */
  jwks: string
}

/**
 * Makes the options of a realm. Throws `invalid_option` for options of the wrong form; the message says what the
 * provider takes.
 */
export interface Provider<Options> {
  (options: Options): ProviderRealm
  readonly facts: ProviderFacts
}

/** Facts from the vendor's documentation, with their source. */
export interface ProviderFacts {
  /** As the vendor writes it. */
  readonly name: string
  /** The vendor's page that describes these tokens. */
  readonly source: `https://${string}`
  /** The day on which it was read, such as `2026-12-01`. */
  readonly readOn: string
  readonly tokens: ProviderTokens
  /** The kinds of revocation that reach these tokens, by the claims that they have. */
  readonly reaches: readonly Reach[]
  /** How the origin hears of a logout at the provider. */
  readonly hears: { readonly receiver: Receiver; readonly how: string }
  /** The default lifetime of a token in seconds; left out: the vendor documents none. */
  readonly lifetimeSeconds?: number
}

/** The tokens that the options are for. `id`: ID tokens, where the vendor's APIs take no others. */
export type ProviderTokens = 'access' | 'id' | 'session' | 'service account'

/** One token, a session, a user, a client, a client of one user, or all tokens of the realm. */
export type Reach = 'token' | 'session' | 'user' | 'client' | 'grant' | 'realm'

/**
 * The origin's receiver: OpenID Connect Back-Channel Logout, Shared Signals (`events`), Global Token Revocation, the
 * Keycloak connector. `webhook`: the vendor calls an endpoint of yours, which calls a verb of the origin. `none`: your
 * own logout does.
 */
export type Receiver = 'backchannel-logout' | 'events' | 'global-token-revocation' | 'keycloak' | 'webhook' | 'none'

/** The form of an option: `expected` completes the sentence "must be …". */
export interface Form {
  readonly expected: string
  readonly test: (value: unknown) => boolean
  readonly need?: 'optional'
}

export interface ProviderDeclaration<Options> {
  facts: ProviderFacts
  /** The form of each option. */
  options: { readonly [Name in keyof Options]-?: Form }
  realm: (options: Options) => ProviderRealm
}

/** Makes a provider of its declaration. */
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
