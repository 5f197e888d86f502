import {
  checkOptions,
  defaultsOf,
  either,
  given,
  integer,
  list,
  oneOf,
  required,
  type Rules,
  string,
  withDefault,
} from '../../../options.ts'

/** Options of `oidcConnector`. Unknown options throw `invalid_option`. */
export interface OidcConnectorOptions {
  /** The origin's realm that it serves. */
  realm: string
  /**
   * The clients whose logout tokens (`aud`) are accepted: `any` client of the issuer, since it signs them all, or a
   * list of clients. Default `any`.
   */
  logoutTokenAudience?: 'any' | string[]
  /**
   * Whether to accept logout tokens whose header has `typ` `JWT`, or none. `refuse`, because `logout+jwt` distinguishes
   * them from other tokens (OpenID Connect Back-Channel Logout 1.0 §2.4), or `accept`, for the many issuers that do not
   * set it. Default `refuse`.
   */
  untypedLogoutTokens?: 'refuse' | 'accept'
  /**
   * The scope of a logout token with a `sid`. `session`: that session. `client_session`: that session for the clients
   * in `aud`. `user`: the tokens of its `sub` issued up to that time, for issuers whose access tokens name no session.
   * Default `session`.
   */
  logoutTokenScope?: 'session' | 'client_session' | 'user'
  /**
   * The maximum number of logout token signatures verified per second; further tokens get 503. It limits the cost of a
   * flood of forged ones from any addresses. Allowed: 1 or more. Default 1000.
   */
  maxVerificationsPerSecond?: number
}

const RULES = {
  realm: required(string),
  logoutTokenAudience: withDefault(either(oneOf('any'), list(string, 1)), 'any'),
  untypedLogoutTokens: withDefault(oneOf('refuse', 'accept'), 'refuse'),
  logoutTokenScope: withDefault(oneOf('session', 'client_session', 'user'), 'session'),
  maxVerificationsPerSecond: withDefault(integer('verifications', 1), 1_000),
} satisfies Rules

/** The rules of `OidcConnectorOptions`. */
export const OIDC_CONNECTOR_RULES: Rules = RULES

/** Checks the options and fills in the defaults. Throws `invalid_option`. */
export function resolveOidcConnectorSettings(options: OidcConnectorOptions): Required<OidcConnectorOptions> {
  checkOptions(options, RULES)
  return { ...defaultsOf(RULES), ...given(options) }
}
