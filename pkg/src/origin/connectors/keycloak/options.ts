import { headerValue } from '../../../http/credential.ts'
import {
  checkOptions,
  defaultsOf,
  either,
  given,
  integer,
  invalid,
  list,
  MAX_TIMER_MS,
  oneOf,
  required,
  type Rules,
  shape,
  string,
  url,
  withDefault,
} from '../../../options.ts'

/** Options of `keycloakConnector`. Unknown options throw `invalid_option`. */
export interface KeycloakOptions {
  /**
   * The address at which the origin reaches Keycloak, with its relative path if it has one, such as
   * `https://sso.example/auth`. Credentials are sent only to this web origin, and redirects are not followed. `http:`
   * is accepted only for this machine, unless the origin's `plainHttp` allows it.
   */
  baseUrl: URL | string
  /** The realm's name in Keycloak. */
  realm: string
  /** The origin's realm that it serves. Default: `realm`. */
  originRealm?: string
  /**
   * A confidential client of the realm whose service account has the client roles `view-events`, `view-users` and
   * `view-clients` of `realm-management`. It reads events. Default: none; then only messages, the realm's not-before
   * and its keys are used.
   */
  serviceAccount?: ServiceAccount
  /**
   * Another such client, with `manage-users`, `manage-realm` and `manage-clients`, which performs at Keycloak the acts
   * of the origin's own routes. It is separate so that the account that reads events cannot log anyone out. Default:
   * none; nothing is forwarded.
   */
  actingAccount?: ServiceAccount
  /**
   * The clients whose logout tokens (`aud`) and admin actions (`resource`) are accepted: `any` client of the realm,
   * since the realm signs them all, or a list of clients. Default `any`.
   */
  logoutTokenAudience?: 'any' | string[]
  /**
   * Whether to accept logout tokens without the type `logout+jwt`, as Keycloak sent them before 26. `refuse`, because
   * the type distinguishes them from other tokens (OpenID Connect Back-Channel Logout 1.0 §2.4), or `accept`. Default
   * `refuse`.
   */
  olderLogoutTokens?: 'refuse' | 'accept'
  /**
   * The scope of a logout token with a `sid`, or of an admin action with session ids. `session`: the whole session,
   * also for clients whose own logout token was lost. `client_session`: the session for the client in `aud` only, so
   * that a removed consent does not affect the other clients; each client then needs its back-channel logout URL at the
   * origin. Default `session`.
   */
  logoutTokenScope?: 'session' | 'client_session'
  /** Accepts security event tokens by push (RFC 8935). Default: none; they get 404. */
  securityEvents?: SecurityEventOptions
  /**
   * The maximum number of message signatures verified per second; further messages get 503. It limits the cost of a
   * flood of forged messages from any addresses. Allowed: 1 or more. Default 1000.
   */
  maxVerificationsPerSecond?: number
  /**
   * How often the realm's not-before is read. *Set to now* in the console is visible nowhere else. Allowed: 100 to
   * 2147483647. Default 1000.
   */
  notBeforeIntervalMs?: number
  /**
   * How often the realm's keys are read. A disabled key is withdrawn after two consecutive reads without it. Allowed:
   * 100 to 2147483647. Default 2000.
   */
  keysIntervalMs?: number
  /** How often user events are read. Allowed: 100 to 2147483647. Default 1000. */
  userEventsIntervalMs?: number
  /** How often admin events are read. Allowed: 100 to 2147483647. Default 1000. */
  adminEventsIntervalMs?: number
  /**
   * How far back events are read again. Keycloak makes an event visible when its request ends, with the time at which
   * it happened: up to 5 s later for each client that does not respond to its logout token. Allowed: 5 to 86400.
   * Default 300.
   */
  rereadSeconds?: number
  /** The time limit of one request to Keycloak. Allowed: 100 to 2147483647. Default 5000. */
  requestTimeoutMs?: number
  /**
   * How long an act at the origin waits for its outcome at Keycloak, which sends its logout tokens meanwhile; after
   * that the outcome is `queued`. Allowed: 100 to 2147483647. Default 2000.
   */
  upstreamTimeoutMs?: number
  /**
   * The reaction if events since the last read are gone, because the origin was down for longer than Keycloak keeps them
   * or because they were deleted. `report` it, or also refuse all tokens of the realm that were issued before the
   * oldest remaining event (`realm_not_before`), which logs almost all users out once. Default `report`.
   */
  onGap?: 'report' | 'realm_not_before'
  /**
   * The effect of a removed consent. It ends the `grant`, which is the client's tokens of that user, as in Keycloak; all tokens of
   * the `user`; or nothing (`ignore`). Default `grant`.
   */
  consentRemoved?: 'grant' | 'user' | 'ignore'
  /**
   * The effect of reusing a refresh token (*Revoke Refresh Token*). It ends the client's part of the session (`client_session`),
   * as in Keycloak, or the whole `session`, since a thief of the token may hold others of that session. Default
   * `client_session`.
   */
  refreshTokenReuse?: 'client_session' | 'session'
  /**
   * Whether a disabled user's tokens are refused (`user`). Keycloak keeps the sessions: once the user is enabled again,
   * a refresh works. Default `user`.
   */
  userDisabled?: 'user' | 'ignore'
  /** Whether a deleted user's tokens are refused. Default `user`. */
  userDeleted?: 'user' | 'ignore'
  /**
   * Whether the tokens of a permanently locked-out user are refused: Keycloak has disabled the user. Default `user`.
   */
  permanentLockout?: 'user' | 'ignore'
  /**
   * Whether a temporary lockout refuses the user's tokens. Wrong passwords cause it, so anyone who knows a user name
   * could log that user out. Default `ignore`.
   */
  temporaryLockout?: 'ignore' | 'user'
  /**
   * Whether an administrator's password reset refuses the user's tokens; it is often the reaction to a stolen password.
   * Keycloak keeps the sessions, so a refresh works. Default `user`.
   */
  passwordReset?: 'user' | 'ignore'
  /**
   * Whether a user's own password change refuses the user's tokens, including those of the session that changed it.
   * Keycloak asks the user whether to sign out of other devices, and ends these sessions itself. Default `ignore`.
   */
  passwordChanged?: 'ignore' | 'user'
  /** Whether the tokens of a disabled client are refused (`client`). Default `client`. */
  clientDisabled?: 'client' | 'ignore'
  /** Whether the tokens of a deleted client are refused. Default `client`. */
  clientDeleted?: 'client' | 'ignore'
  /** Whether all tokens of a disabled realm are refused (`realm`). Default `realm`. */
  realmDisabled?: 'realm' | 'ignore'
  /**
   * Whether removing a role or group from a user refuses the user's tokens (`user`), which name the role until they
   * expire. `ignore`, because provisioning that rewrites roles would log its users out repeatedly. Roles of a group,
   * and roles within another role, are not tracked. Default `ignore`.
   */
  roleRemoved?: 'ignore' | 'user'
  /**
   * How to treat an administrator's session in a user's name: `accept` it, `mark` it in the audit log and with a
   * report, or `refuse` it, which also ends the session. Its tokens are indistinguishable from others. Default
   * `accept`.
   */
  impersonation?: 'accept' | 'mark' | 'refuse'
  /**
   * The user attribute with the minimum version of the user's tokens; a mapper adds it to them. Default
   * `token_version`.
   */
  tokenVersionAttribute?: string
  /**
   * Whether the acting account writes the user attribute `last_logout_time` when the origin logs a user out. `ignore`,
   * because Keycloak can only replace a user's attributes as a whole: a simultaneous change may be lost. Default
   * `ignore`.
   */
  lastLogoutTime?: 'ignore' | 'write'
}

/** The credentials of a confidential client with a service account. */
export interface ServiceAccount {
  clientId: string
  clientSecret: string
}

/** How to recognise security event tokens of the realm's stream. */
export interface SecurityEventOptions {
  /** The whole value of the `Authorization` header with which the stream was created (`authorization_header`). */
  authorization: string
  /** The `aud` of the stream, such as `receiver/<stream_id>`. Default: any stream of the realm. */
  audience?: string
}

/** The options with every default filled in. */
export type KeycloakSettings = Required<Omit<KeycloakOptions, 'baseUrl' | Optional>> &
  Pick<KeycloakOptions, Optional> & {
    /** Without a trailing slash. */
    baseUrl: string
  }

type Optional = 'serviceAccount' | 'actingAccount' | 'securityEvents'

/** Checks the options and fills in the defaults. Throws `invalid_option`. */
export function resolveKeycloakSettings(options: KeycloakOptions): KeycloakSettings {
  checkOptions(options, RULES)
  const { serviceAccount, actingAccount, lastLogoutTime } = options
  const base = new URL(options.baseUrl)
  if (base.search + base.hash !== '') throw invalid('options.baseUrl must have no query and no fragment')
  const ineffective = eventOptions(options).find((name) => options[name] !== undefined)
  if (serviceAccount === undefined && ineffective !== undefined) {
    throw invalid(`options.${ineffective} needs options.serviceAccount: without that account no events are read`)
  }
  if (lastLogoutTime === 'write' && actingAccount === undefined) {
    throw invalid("options.lastLogoutTime 'write' needs options.actingAccount, which writes it")
  }
  return {
    ...defaultsOf(RULES),
    originRealm: options.realm,
    ...given(options),
    baseUrl: base.href.replace(/\/+$/, ''),
  }
}

export const SERVICE_ACCOUNT_RULES: Rules = { clientId: required(string), clientSecret: required(string) }

export const SECURITY_EVENT_RULES: Rules = { authorization: required(headerValue), audience: string }

/** The minimum limits the requests that polling sends to Keycloak. */
const interval = integer('whole milliseconds', 100, MAX_TIMER_MS)

/** The options about events, which have no effect unless an account reads events. */
const EVENT_RULES = {
  userEventsIntervalMs: withDefault(interval, 1_000),
  adminEventsIntervalMs: withDefault(interval, 1_000),
  rereadSeconds: withDefault(integer('whole seconds', 5, 86_400), 300),
  onGap: withDefault(oneOf('report', 'realm_not_before'), 'report'),
  consentRemoved: withDefault(oneOf('grant', 'user', 'ignore'), 'grant'),
  refreshTokenReuse: withDefault(oneOf('client_session', 'session'), 'client_session'),
  userDisabled: withDefault(oneOf('user', 'ignore'), 'user'),
  userDeleted: withDefault(oneOf('user', 'ignore'), 'user'),
  permanentLockout: withDefault(oneOf('user', 'ignore'), 'user'),
  temporaryLockout: withDefault(oneOf('ignore', 'user'), 'ignore'),
  passwordReset: withDefault(oneOf('user', 'ignore'), 'user'),
  passwordChanged: withDefault(oneOf('ignore', 'user'), 'ignore'),
  clientDisabled: withDefault(oneOf('client', 'ignore'), 'client'),
  clientDeleted: withDefault(oneOf('client', 'ignore'), 'client'),
  realmDisabled: withDefault(oneOf('realm', 'ignore'), 'realm'),
  roleRemoved: withDefault(oneOf('ignore', 'user'), 'ignore'),
  impersonation: withDefault(oneOf('accept', 'mark', 'refuse'), 'accept'),
  tokenVersionAttribute: withDefault(string, 'token_version'),
} satisfies Rules

const RULES = {
  baseUrl: required(url),
  realm: required(string),
  originRealm: string,
  serviceAccount: shape(SERVICE_ACCOUNT_RULES),
  actingAccount: shape(SERVICE_ACCOUNT_RULES),
  logoutTokenAudience: withDefault(either(oneOf('any'), list(string, 1)), 'any'),
  olderLogoutTokens: withDefault(oneOf('refuse', 'accept'), 'refuse'),
  logoutTokenScope: withDefault(oneOf('session', 'client_session'), 'session'),
  securityEvents: shape(SECURITY_EVENT_RULES),
  maxVerificationsPerSecond: withDefault(integer('verifications', 1), 1_000),
  notBeforeIntervalMs: withDefault(interval, 1_000),
  keysIntervalMs: withDefault(interval, 2_000),
  requestTimeoutMs: withDefault(interval, 5_000),
  upstreamTimeoutMs: withDefault(interval, 2_000),
  ...EVENT_RULES,
  lastLogoutTime: withDefault(oneOf('ignore', 'write'), 'ignore'),
} satisfies Rules

/** Returns the options that need an account that reads events. Security event tokens also report password changes. */
function eventOptions({ securityEvents }: KeycloakOptions): (keyof KeycloakOptions)[] {
  const pushed = securityEvents === undefined ? [] : ['passwordReset', 'passwordChanged']
  return (Object.keys(EVENT_RULES) as (keyof typeof EVENT_RULES)[]).filter((name) => !pushed.includes(name))
}

/** The rules of `KeycloakOptions`. */
export const KEYCLOAK_RULES: Rules = RULES
