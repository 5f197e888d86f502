import { isObject } from '../options.ts'

/**
 * What is known of the app that a session or a logout belongs to: several apps may share a web origin, and with it every channel,
 * lock and key of storage. No member is a secret.
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

/** The app that options name. A client and an endpoint say everything: nothing more is then recorded. */
export function appOf({ clientId: client, tokenUrl, revokeUrl, accessToken }: Named): App {
  const endpoint = tokenUrl && canonical(tokenUrl)
  if (client !== undefined && endpoint !== undefined) return { client, endpoint }
  // Without a client it is not an RFC 7009 endpoint, and no session knows it.
  const revocation = client && revokeUrl && canonical(revokeUrl)
  return { client, endpoint, token: accessToken && tokenApp(accessToken), revocation }
}

/** Names what the tabs of one app share: channel, lock, tokens in a storage. Other apps of the web origin have another name. */
export function sessionName({ client, endpoint }: SessionApp): string {
  return JSON.stringify([client, endpoint])
}

/** One spelling for all URLs of an endpoint: `URL` settles case, default port and dot segments; a slash at the end and a fragment name nothing else. */
export function canonical(url: URL | string): string {
  const { origin, pathname, search } = new URL(url)
  return origin + pathname.replace(/\/+$/, '') + search
}

/** Issuer and client that an access token names. Nothing is trusted by it: it only tells apart tokens that this page holds. */
export function tokenApp(token: string): string {
  try {
    const { iss, azp, client_id } = JSON.parse(atob((token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/')))
    return JSON.stringify([iss, azp ?? client_id])
  } catch {
    return ''
  }
}

/** Whether two descriptions are of one app; `undefined` where what both know does not say. */
export function isSameApp(one: App, other: App): boolean | undefined {
  /** `undefined`: not known on both sides. */
  const agree = (member: keyof App): boolean | undefined =>
    one[member] === undefined || other[member] === undefined ? undefined : one[member] === other[member]
  const [client, endpoint, token] = [agree('client'), agree('endpoint'), agree('token')]
  if (client === false || endpoint === false) return false
  if (client && endpoint) return true
  return token && one.token === '' ? agree('revocation') : (token ?? agree('revocation'))
}

/** Whether a logout ends a session. One that does not say whose it is ends what is signed in. */
export function endsSession(logout: App, session: SessionApp): boolean {
  return isSameApp(logout, session) ?? session.token !== undefined
}

/** Messages and storage are open to any script of the web origin. */
export function isApp(value: unknown): value is App {
  return isObject(value) && Object.values(value).every((member) => member === undefined || typeof member === 'string')
}
