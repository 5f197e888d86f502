import { isObject } from '../options.ts'

/**
 * The known facts about the app that a session or a logout belongs to: several apps may share a web origin, and with it
 * every channel, lock and key of storage. No member is a secret.
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

/** Returns the app that options name. Client and endpoint identify it completely: nothing more is then recorded. */
export function appOf({ clientId: client, tokenUrl, revokeUrl, accessToken }: Named): App {
  const endpoint = tokenUrl && canonical(tokenUrl)
  if (client !== undefined && endpoint !== undefined) return { client, endpoint }
  // Without a client the URL is not an RFC 7009 endpoint, so there is nothing to compare it with.
  const revocation = client && revokeUrl && canonical(revokeUrl)
  return { client, endpoint, token: accessToken && tokenApp(accessToken), revocation }
}

/**
 * Returns the name of channel, lock and stored tokens. Tabs of one app share it; other apps of the web origin differ.
 */
export function sessionName({ client, endpoint }: SessionApp): string {
  return JSON.stringify([client, endpoint])
}

/**
 * Returns one spelling for all URLs of an endpoint: `URL` normalises case, default port and dot segments; trailing
 * slashes and the fragment are dropped.
 */
export function canonical(url: URL | string): string {
  const { origin, pathname, search } = new URL(url)
  return origin + pathname.replace(/\/+$/, '') + search
}

/**
 * Returns issuer and client of an access token, empty if it is not a JWT. Unverified: used only to tell apart tokens
 * held by this page.
 */
export function tokenApp(token: string): string {
  const claims = claimsOf(token)
  return claims === undefined ? '' : JSON.stringify([claims['iss'], claims['azp'] ?? claims['client_id']])
}

/**
 * Returns how many seconds an access token lives from its issue on, if it is a JWT that says so. `exp - iat` does not
 * depend on this device's clock. Unverified: a wrong answer costs a refresh.
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

/** Returns whether a logout ends a session. A logout that cannot be attributed ends any session that is signed in. */
export function endsSession(logout: App, session: SessionApp): boolean {
  return isSameApp(logout, session) ?? session.token !== undefined
}

/** Validates: messages and storage can be written by any script of the web origin. */
export function isApp(value: unknown): value is App {
  return isObject(value) && Object.values(value).every((member) => member === undefined || typeof member === 'string')
}
