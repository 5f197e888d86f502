import { isLoopback } from '../http/loopback.ts'
import { callback, checkOptions, either, invalid, list, milliseconds, oneOf, opaque, required, rule, type Rules, seconds, shape, text, url, webOrigin } from '../options.ts'
import type { LogoutOptions, ReportCompromiseOptions, SessionOptions, TokenStorage } from './types.ts'

const CLEAR_RULES: Rules = {
  memory: callback,
  localStorage: list(text),
  sessionStorage: list(text),
  indexedDB: list(either(text, shape({ database: required(text), store: required(text), key: rule('a key', (key) => key !== null) }))),
  caches: list(text),
}

/** A redirect may come from a URL's query, so whatever text it is must not throw. */
const redirect = rule('a text', (value) => typeof value === 'string')

export const LOGOUT_RULES: Rules = {
  revokeUrl: required(url),
  accessToken: text,
  refreshToken: text,
  clientId: text,
  cookies: oneOf('same-origin', 'include'),
  clear: shape(CLEAR_RULES),
  timeoutMs: milliseconds,
  channel: text,
  tokenUrl: url,
  endSession: shape({ url: required(url), idToken: text, clientId: text, postLogoutRedirectUri: redirect, state: text }),
  redirectTo: redirect,
  allowedRedirects: list(url),
  fetch: callback,
}

/** An option that is `undefined` counts as left out. */
type Loose<T> = { [K in keyof T]: T[K] | undefined }

export type LogoutSettings = Loose<Omit<LogoutOptions, 'revokeUrl'>> &
  Required<Pick<LogoutOptions, 'revokeUrl' | 'clear' | 'cookies' | 'timeoutMs' | 'channel' | 'fetch'>> & {
    /** Where a session keeps its tokens. */
    storage?: TokenStorage | undefined
  }

/** Checks the options and fills in the defaults. Throws `invalid_option`. */
export function logoutSettings(options: Loose<Omit<LogoutOptions, 'revokeUrl'>> & Pick<LogoutOptions, 'revokeUrl'>): LogoutSettings {
  checkOptions(options, LOGOUT_RULES)
  if (options.clientId === undefined) {
    const needy = options.refreshToken !== undefined ? 'refreshToken' : options.cookies === 'include' ? "cookies 'include'" : undefined
    if (needy !== undefined) throw invalid(`options.clientId is missing: ${needy} needs an RFC 7009 endpoint`)
  }
  return {
    ...options,
    clear: options.clear ?? {},
    cookies: options.cookies ?? 'same-origin',
    timeoutMs: options.timeoutMs ?? 3_000,
    channel: options.channel ?? 'portcullis',
    fetch: options.fetch ?? browserFetch,
  }
}

export const COMPROMISE_RULES: Rules = { logoutEverywhereUrl: url, notify: callback }

/** Throws `invalid_option`. */
export function compromiseSettings(
  options: ReportCompromiseOptions,
): LogoutSettings & Loose<Pick<ReportCompromiseOptions, 'logoutEverywhereUrl' | 'notify'>> {
  checkOptions(options, { ...LOGOUT_RULES, ...COMPROMISE_RULES })
  const { logoutEverywhereUrl, notify, ...rest } = options
  return { ...logoutSettings(rest), logoutEverywhereUrl, notify }
}

export const TOKEN_RULES: Rules = { accessToken: required(text), refreshToken: text, expiresInSeconds: seconds }

export const SESSION_RULES: Rules = {
  tokenUrl: required(url),
  clientId: required(text),
  revokeUrl: url,
  allowedOrigins: required(list(webOrigin)),
  tokens: shape(TOKEN_RULES),
  storage: opaque,
  refreshBeforeSeconds: seconds,
  channel: text,
  clear: shape(CLEAR_RULES),
  fetch: callback,
  cookies: oneOf('omit', 'include'),
}

export type SessionSettings = SessionOptions &
  Required<Pick<SessionOptions, 'refreshBeforeSeconds' | 'channel' | 'clear' | 'fetch' | 'cookies'>>

/** Checks the options and fills in the defaults. Throws `invalid_option`. */
export function sessionSettings(options: SessionOptions): SessionSettings {
  checkOptions(options, SESSION_RULES)
  const { tokenUrl, allowedOrigins } = options
  for (const [name, value] of [['tokenUrl', tokenUrl], ...allowedOrigins.map((origin, index) => [`allowedOrigins[${index}]`, origin])]) {
    if (!isSecure(value as URL | string)) throw invalid(`options.${name} must be https:, for it is not on this machine`)
  }
  return {
    ...options,
    refreshBeforeSeconds: options.refreshBeforeSeconds ?? 30,
    channel: options.channel ?? 'portcullis',
    clear: options.clear ?? {},
    fetch: options.fetch ?? browserFetch,
    cookies: options.cookies ?? 'omit',
  }
}

/** Whether nobody on the way can read along. */
export function isSecure(url: URL | string): boolean {
  const parsed = new URL(url)
  return parsed.protocol === 'https:' || isLoopback(parsed)
}

/** Looked up at each call: it may be replaced, and must be called as the global's. */
const browserFetch: typeof fetch = (...request) => globalThis.fetch(...request)
