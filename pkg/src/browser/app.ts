import { isObject } from '../options.ts'

/**
 * Known facts about the app of a session or logout. Several apps may share a web origin, and with it its channels,
 * locks and storage keys. No member is a secret.
 */
export interface App {
  /** The OAuth client. */
  client?: string | undefined
  /** The token endpoint, as `canonical` spells it. */
  endpoint?: string | undefined
  /** Issuer and client named by the access token, unverified; empty for a token that is not a JWT. */
  token?: string | undefined
  /** The RFC 7009 endpoint, as `canonical` spells it. */
  revocation?: string | undefined
}

/** The app of a session. */
export interface SessionApp extends App {
  client: string
  endpoint: string
}

interface Named {
  clientId?: string | undefined
  tokenUrl?: URL | string | undefined
  revokeUrl?: URL | string | undefined
  accessToken?: string | undefined
}

/**
 * Returns the app that the options identify. Client and endpoint identify it completely, so nothing else is recorded
 * then.
 */
export function appOf({ clientId: client, tokenUrl, revokeUrl, accessToken }: Named): App {
  const endpoint = tokenUrl && canonical(tokenUrl)
  if (client !== undefined && endpoint !== undefined) return { client, endpoint }
  // Without a client the URL is not an RFC 7009 endpoint, so there is nothing to compare it with.
  const revocation = client && revokeUrl && canonical(revokeUrl)
  return { client, endpoint, token: accessToken && tokenApp(accessToken), revocation }
}

/**
 * Returns the name shared by channel, lock and stored tokens. It is the same in all tabs of an app and differs between
 * apps of a web origin.
 */
export function sessionName({ client, endpoint }: SessionApp): string {
  return JSON.stringify([client, endpoint])
}

/**
 * Returns the canonical form of an endpoint's URL. `URL` normalizes case, default port and dot segments; trailing
 * slashes and the fragment are dropped.
 */
export function canonical(url: URL | string): string {
  const { origin, pathname, search } = new URL(url)
  return origin + pathname.replace(/\/+$/, '') + search
}

/**
 * Returns the issuer and client of an access token, or an empty string if it is not a JWT. Unverified: only used to
 * tell apart the tokens of this page.
 */
export function tokenApp(token: string): string {
  const claims = claimsOf(token)
  return claims === undefined ? '' : JSON.stringify([claims['iss'], claims['azp'] ?? claims['client_id']])
}

/**
 * Returns the lifetime of an access token in seconds if it is a JWT that has `exp` and `iat`. `exp - iat` does not
 * depend on this device's clock. Unverified: a wrong value costs at most an extra refresh.
 */
export function lifeOf(token: string): number | undefined {
  const { exp, iat } = claimsOf(token) ?? {}
  const life = Number.isFinite(exp) ? Number(exp) - (Number.isFinite(iat) ? Number(iat) : Date.now() / 1_000) : 0
  return life > 0 ? life : undefined
}

function claimsOf(token: string): Record<string, unknown> | undefined {
  try {
    const claims: unknown = JSON.parse(atob((token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/')))
    return isObject(claims) ? claims : undefined
  } catch {
    return undefined
  }
}

/**
 * Returns whether two descriptions are of the same app; `undefined` if the members known on both sides do not decide
 * it.
 */
export function isSameApp(one: App, other: App): boolean | undefined {
  /** Returns `undefined` unless the member is known on both sides. */
  const agree = (member: keyof App): boolean | undefined =>
    one[member] === undefined || other[member] === undefined ? undefined : one[member] === other[member]
  const [client, endpoint, token] = [agree('client'), agree('endpoint'), agree('token')]
  if (client === false || endpoint === false) return false
  if (client && endpoint) return true
  return token && one.token === '' ? agree('revocation') : (token ?? agree('revocation'))
}

/** Returns whether a logout ends a session. A logout that cannot be attributed to an app ends any signed-in session. */
export function endsSession(logout: App, session: SessionApp): boolean {
  return isSameApp(logout, session) ?? session.token !== undefined
}

/** Validates data from messages and storage, which any script of the web origin can write. */
export function isApp(value: unknown): value is App {
  return isObject(value) && Object.values(value).every((member) => member === undefined || typeof member === 'string')
}
