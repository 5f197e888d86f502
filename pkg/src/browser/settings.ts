import { isLoopback } from '../http/loopback.ts'
import {
  anyString,
  callback,
  checkOptions,
  either,
  invalid,
  isObject,
  list,
  milliseconds,
  oneOf,
  opaque,
  required,
  type Rule,
  rule,
  type Rules,
  seconds,
  shape,
  string,
  url,
  webOrigin,
  withDefault,
} from '../options.ts'
import type { LogoutOptions, ReportCompromiseOptions, SessionOptions, TokenStorage } from './types.ts'

const CLEAR_RULES: Rules = {
  memory: callback,
  localStorage: list(string),
  sessionStorage: list(string),
  indexedDB: list(
    either(
      string,
      shape({ database: required(string), store: required(string), key: rule('a key', (key) => key !== null) }),
    ),
  ),
  caches: list(string),
}

/** A redirect may come from a URL's query, so no string may make it throw. */
const redirect = anyString

const LOGOUT = {
  revokeUrl: required(url),
  accessToken: string,
  refreshToken: string,
  clientId: string,
  cookies: withDefault(oneOf('same-origin', 'include'), 'same-origin'),
  clear: shape(CLEAR_RULES),
  timeoutMs: withDefault(milliseconds, 3_000),
  channel: withDefault(string, 'portcullis'),
  tokenUrl: url,
  endSession: shape({
    url: required(url),
    idToken: string,
    clientId: string,
    postLogoutRedirectUri: redirect,
    state: string,
  }),
  redirectTo: redirect,
  allowedRedirects: list(url),
  fetch: callback,
} satisfies Rules

export const LOGOUT_RULES: Rules = LOGOUT

/** An option set to `undefined` counts as absent. */
type Loose<T> = { [K in keyof T]: T[K] | undefined }

export type LogoutSettings = Loose<Omit<LogoutOptions, 'revokeUrl'>> &
  Required<Pick<LogoutOptions, 'revokeUrl' | 'clear' | 'cookies' | 'timeoutMs' | 'channel' | 'fetch'>> & {
    /** The session's token storage. */
    storage?: TokenStorage | undefined
  }

/** Validates the options and applies the defaults. Throws `invalid_option`. */
export function logoutSettings(
  options: Loose<Omit<LogoutOptions, 'revokeUrl'>> & Pick<LogoutOptions, 'revokeUrl'>,
): LogoutSettings {
  checkOptions(options, LOGOUT_RULES)
  if (options.clientId === undefined) {
    const needy =
      options.refreshToken !== undefined
        ? 'refreshToken'
        : options.cookies === 'include'
          ? "cookies 'include'"
          : undefined
    if (needy !== undefined) throw invalid(`options.clientId is missing: ${needy} needs an RFC 7009 endpoint`)
  }
  return {
    ...options,
    clear: options.clear ?? {},
    cookies: options.cookies ?? LOGOUT.cookies.fallback,
    timeoutMs: options.timeoutMs ?? LOGOUT.timeoutMs.fallback,
    channel: options.channel ?? LOGOUT.channel.fallback,
    fetch: options.fetch ?? browserFetch,
  }
}

export const COMPROMISE_RULES: Rules = { logoutEverywhereUrl: url, notify: callback }

/** Validates the options and applies the defaults. Throws `invalid_option`. */
export function compromiseSettings(
  options: ReportCompromiseOptions,
): LogoutSettings & Loose<Pick<ReportCompromiseOptions, 'logoutEverywhereUrl' | 'notify'>> {
  checkOptions(options, { ...LOGOUT_RULES, ...COMPROMISE_RULES })
  const { logoutEverywhereUrl, notify, ...rest } = options
  return { ...logoutSettings(rest), logoutEverywhereUrl, notify }
}

export const TOKEN_RULES: Rules = { accessToken: required(string), refreshToken: string, expiresInSeconds: seconds }

function isParameters(value: unknown): boolean {
  return (
    isObject(value) &&
    Object.entries(value).every(
      ([name, each]) => typeof each === 'string' && !/^(grant_type|client_id|refresh_token)$/.test(name),
    )
  )
}

/** Returns the rule with a further condition: the URL must be on this machine or use TLS. */
function secure(rule: Rule<string>): Rule<string> {
  return {
    ...rule,
    check(value, name) {
      rule.check(value, name)
      if (!isSecure(value as URL | string)) throw invalid(`${name} must be https: because it is not on this machine`)
    },
  }
}

const SESSION = {
  tokenUrl: required(secure(url)),
  clientId: required(string),
  revokeUrl: url,
  allowedOrigins: required(list(secure(webOrigin))),
  tokens: shape(TOKEN_RULES),
  storage: opaque,
  refreshBeforeSeconds: withDefault(seconds, 30),
  channel: withDefault(string, 'portcullis'),
  clear: shape(CLEAR_RULES),
  fetch: callback,
  cookies: withDefault(oneOf('omit', 'include'), 'omit'),
  parameters: rule(
    'an object of strings without grant_type, client_id and refresh_token, which the session sends itself',
    isParameters,
  ),
} satisfies Rules

export const SESSION_RULES: Rules = SESSION

export type SessionSettings = SessionOptions &
  Required<Pick<SessionOptions, 'refreshBeforeSeconds' | 'channel' | 'clear' | 'fetch' | 'cookies'>>

/** Validates the options and applies the defaults. Throws `invalid_option`. */
export function sessionSettings(options: SessionOptions): SessionSettings {
  checkOptions(options, SESSION_RULES)
  return {
    ...options,
    refreshBeforeSeconds: options.refreshBeforeSeconds ?? SESSION.refreshBeforeSeconds.fallback,
    channel: options.channel ?? SESSION.channel.fallback,
    clear: options.clear ?? {},
    fetch: options.fetch ?? browserFetch,
    cookies: options.cookies ?? SESSION.cookies.fallback,
  }
}

/** Returns whether the connection is confidential: https, or loopback. */
export function isSecure(url: URL | string): boolean {
  const parsed = new URL(url)
  return parsed.protocol === 'https:' || isLoopback(parsed)
}

/** Looks up `fetch` on each call: it may be replaced, and it must be called as the global's method. */
const browserFetch: typeof fetch = (...request) => globalThis.fetch(...request)
