import type { Accepted, Claims } from './verdict.ts'

/** The members of a request used here. A Web `Request` conforms; a request of Node's `http` does not. */
export interface RequestLike {
  readonly method: string
  readonly headers: { get(name: string): string | null }
}

/**
 * Where a request carries its token: one place, and never the URL. `'bearer'`: `Authorization` (RFC 6750 §2.1). A
 * function must return synchronously; the token that it returns is checked like any other.
 */
export type TokenSource =
  | 'bearer'
  | CookieSource
  | HeaderSource
  | SubprotocolSource
  | ((request: RequestLike) => string | null | undefined)

/**
 * A cookie. A browser adds it to requests of any page, so `cross_site` refuses every method but `GET`, `HEAD` and
 * `OPTIONS`, and every WebSocket, unless `Sec-Fetch-Site` or `Origin` shows that one of your own pages sent the
 * request. `Host` is not read.
 */
export interface CookieSource {
  /** The name of the cookie, such as `__Host-token`. */
  cookie: string
  /**
   * Origins whose pages may send requests, such as `https://app.example`. Needed for WebSockets and without TLS.
   * Default: none.
   */
  origins?: string[]
  /**
   * Values of `Sec-Fetch-Site` that are sufficient. `same-site` allows pages of every subdomain. Default:
   * `['same-origin']`.
   */
  fetchSites?: FetchSite[]
}

/** A value of `Sec-Fetch-Site` (W3C Fetch Metadata §2.3) with which no other site can have sent the request. */
export type FetchSite = 'same-origin' | 'same-site' | 'none'

/** A header whose whole value is the token, without a scheme, such as `X-Access-Token`. */
export interface HeaderSource {
  header: string
}

/**
 * A member of `Sec-WebSocket-Protocol` (RFC 6455 §4.1): the one that follows this name, or that starts with it and a
 * dot (`name.TOKEN`). `protect` removes both from the handler's response, so a client must also offer its application's
 * protocol.
 */
export interface SubprotocolSource {
  subprotocol: string
}

/**
 * Roles, all of which the token must have. A list: realm roles of Keycloak (`realm_access.roles`). With `client`: roles
 * of that client (`resource_access.{client}.roles`). With `path`: a list, or one name, in the claim there; text is
 * split at its dots.
 */
export type RoleOption =
  | string[]
  | { client: string; all: string[] }
  | { path: string | readonly string[]; all: string[] }

/** Where the token is, and who gets access: taken by `authenticate`, `authenticator`, `protect` and the adapters. */
export interface AccessOptions<C extends Claims = Claims> {
  /** Where a request carries its token. Default `bearer` (`Authorization`, RFC 6750 §2.1). */
  token?: TokenSource
  /** Scopes that must all be granted (RFC 6749 §3.3); else `insufficient_scope`. Default: none. */
  scope?: string[]
  /** Roles that the token must have; else `insufficient_scope`. Default: none. */
  roles?: RoleOption
  /**
   * Decides on a token that has passed everything else: only `true` grants access, `false` is `insufficient_scope`. If
   * it throws, returns another value or does not settle in time: `authorize_failed`. After a wait the token is checked
   * again. Default: none.
   */
  authorize?: (auth: Accepted<C>) => boolean | Promise<boolean>
  /** Maximum time for `authorize`. Allowed: 1 to 2147483647. Default 5000. */
  authorizeTimeoutMs?: number
}
