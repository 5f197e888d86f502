/** Why a revocation could not be confirmed. */
export type RevocationFailure =
  /** The request failed, and the browser says that it has no network. */
  | 'offline'
  /** No response within `timeoutMs`. The request continues, so the token may still be revoked. */
  | 'timed_out'
  /** No connection, a redirect, or a response that CORS hides from this page. */
  | 'unreachable'
  /** 401: the endpoint does not accept the token or client. */
  | 'refused'
  /** 5xx. */
  | 'server_error'
  /** Another status, or a response that does not come from the endpoint, such as an HTML page. */
  | 'unexpected_answer'
  /** Plain http to another machine: the token was not sent. */
  | 'insecure_url'
  /** There was no token. */
  | 'nothing_to_revoke'

export type Revoked = { revoked: true } | { revoked: false; code: RevocationFailure }

/** A whole IndexedDB database by its name, one of its stores, or one entry of a store. */
export type IndexedDbItem = string | { database: string; store: string; key?: IDBValidKey }

/** Private data on this device. */
export interface ClearOptions {
  /** Clears private data in the page's own memory. */
  memory?: () => void | Promise<void>
  /** Keys of `localStorage`. */
  localStorage?: string[]
  /** Keys of `sessionStorage`, in every tab that has a session or listens by `onLogout`. */
  sessionStorage?: string[]
  indexedDB?: IndexedDbItem[]
  /** Names of the Cache API. */
  caches?: string[]
}

/** The identity server's own logout page (OpenID Connect RP-Initiated Logout 1.0 §2). */
export interface EndSession {
  /** The `end_session_endpoint`. */
  url: URL | string
  /** Sent as `id_token_hint`. */
  idToken?: string
  clientId?: string
  /** A URL of this page's origin, or exactly one of `allowedRedirects`. */
  postLogoutRedirectUri?: string
  state?: string
}

/** Options of a logout. Unknown options throw `invalid_option`. */
export interface LogoutOptions {
  /** The origin's `/v1/auth/token/revoke`, or with `clientId` an RFC 7009 endpoint. */
  revokeUrl: URL | string
  /** The token to revoke. */
  accessToken?: string
  /** Needs `clientId`: only an RFC 7009 endpoint revokes it. */
  refreshToken?: string
  /** The OAuth client; the tokens are then sent as forms (RFC 7009 §2.1), which need no preflight. */
  clientId?: string
  /**
   * Whether the refresh token is in an HttpOnly cookie. `include`: a form without token is sent with cookies and ends
   * the session of the cookie; it needs `clientId`. Default `same-origin`.
   */
  cookies?: 'same-origin' | 'include'
  /** The storage to clear on this page's origin. Default: none. */
  clear?: ClearOptions
  /** Maximum wait for the response. Allowed: 0 to 2147483647. Default 3000. */
  timeoutMs?: number
  /** Tabs with the same name get the logout. Default `portcullis`. */
  channel?: string
  /**
   * The `tokenUrl` of the session that ends; `clientId` alone may be used at several issuers. Default: a session is
   * identified by `clientId`, by issuer and client in the access token, and by its `revokeUrl`, as far as they are
   * known.
   */
  tokenUrl?: URL | string
  /**
   * Where the browser goes afterwards, to end the session at the identity server. Takes precedence over `redirectTo`.
   */
  endSession?: EndSession
  /**
   * Where the browser goes afterwards: a URL of this page's origin, or exactly one of `allowedRedirects`. Anything else
   * is refused.
   */
  redirectTo?: string
  /** URLs of other origins that are allowed, compared exactly. Default: none. */
  allowedRedirects?: string[]
  /** The `fetch` to use. Default: the browser's. */
  fetch?: typeof fetch
}

/** The outcome of a logout. */
export type LoggedOut = Revoked & {
  /** Storage that could not be cleared, such as `localStorage:token` or `indexedDB:app/tokens`. */
  uncleared: string[]
  /** `refused`: the target is not allowed, or this frame is not allowed to navigate; the page stays. */
  redirect: 'done' | 'none' | 'refused'
}

/** The report of a compromise. It contains no token. */
export interface CompromiseMessage {
  /** When it was reported, as ISO 8601. */
  time: string
  revoked: boolean
  loggedOutEverywhere: 'done' | 'failed' | 'not_asked'
}

export interface ReportCompromiseOptions extends LogoutOptions {
  /**
   * Logs the user out everywhere. Receives a POST with the access token as bearer token before the token is revoked.
   */
  logoutEverywhereUrl?: URL | string
  /** Sends the message, for example to your servers. The wait is bounded by `timeoutMs`. */
  notify?: (message: CompromiseMessage) => void | Promise<void>
}

export type ReportedCompromise = LoggedOut & {
  loggedOutEverywhere: CompromiseMessage['loggedOutEverywhere']
  notified: 'done' | 'failed' | 'not_asked'
}

export interface SessionTokens {
  accessToken: string
  /** Absent: there is no refresh token, or it is in a cookie (`cookies: 'include'`). */
  refreshToken?: string
  /**
   * Lifetime of the access token from now on (`expires_in`). Absent: its own lifetime (`exp` and `iat` of a JWT), or
   * until it is rejected.
   */
  expiresInSeconds?: number
}

/** Tokens as they are stored. */
export interface StoredTokens {
  accessToken: string
  refreshToken?: string
  /** Unix milliseconds by this device's clock. */
  expiresAtMs?: number
  /** Identifies the login; refreshed tokens keep it. */
  login: number
  /** Grows with every login and refresh. */
  version: number
  /**
   * Identifies client and token endpoint. Tokens of another session are ignored; if absent, they belong to this
   * session.
   */
  session?: string
}

/** Storage for tokens besides memory. An injected script can steal everything that scripts can read. */
export interface TokenStorage {
  load(): StoredTokens | undefined | Promise<StoredTokens | undefined>
  save(tokens: StoredTokens): void | Promise<void>
  clear(): void | Promise<void>
}

/**
 * `logout`: in this tab; `other_tab`: in another tab; `refused`: the issuer refused to continue this login; `expired`:
 * there was nothing to refresh with; `compromised`: by `reportCompromise`.
 */
export type SignOutReason = 'logout' | 'other_tab' | 'refused' | 'expired' | 'compromised'

/**
 * A JSON object sent by the token endpoint, as received: unchecked, with all its members. RFC 6749 §5.1 and OpenID
 * Connect Core 1.0 §12.2 (`id_token`) define the members of a success, RFC 6749 §5.2 those of an error.
 */
export type TokenResponse = Readonly<Record<string, unknown>>

/**
 * Events of a session. Only listeners in the tab that sent the request to the token endpoint get the response. Other
 * tabs and `storage` get the tokens and no other member.
 */
export interface SessionEvents {
  /** `response`: present if the login came from a cookie. */
  'signed-in': (response?: TokenResponse) => void
  refreshed: (response?: TokenResponse) => void
  /** `response`: the issuer's error, if it refused. */
  'signed-out': (reason: SignOutReason, response?: TokenResponse) => void
}

/** Options of a session. Unknown options throw `invalid_option`. */
export interface SessionOptions {
  /** The token endpoint (RFC 6749 §3.2). */
  tokenUrl: URL | string
  /** The OAuth client. */
  clientId: string
  /** The RFC 7009 endpoint. Default: a logout revokes nothing and reports that. */
  revokeUrl?: URL | string
  /** The origins to which the access token is sent. */
  allowedOrigins: string[]
  /** Signs in with these tokens at once. */
  tokens?: SessionTokens
  /** Storage for tokens between pages. The wait for it is at most 1 s. Default: in memory only. */
  storage?: TokenStorage
  /** How long before it expires an access token is refreshed. Allowed: 0 or more. Default 30. */
  refreshBeforeSeconds?: number
  /** Tabs with the same name, `clientId` and `tokenUrl` share the session. Default `portcullis`. */
  channel?: string
  /** The storage that each tab clears when it is signed out. Default: none. */
  clear?: ClearOptions
  /** The `fetch` to use. Default: the browser's. */
  fetch?: typeof fetch
  /** `include`: the refresh token is in an HttpOnly cookie of the issuer. Default `omit`. */
  cookies?: 'omit' | 'include'
  /**
   * Additional parameters of each refresh request, such as `scope` (RFC 6749 §6) or `resource` (RFC 8707 §2.2); never
   * `grant_type`, `client_id` or `refresh_token`. Default: none.
   */
  parameters?: Record<string, string>
}

/** A login in this browser, one for all tabs. */
export interface Session {
  readonly signedIn: boolean
  /** Accepts the tokens of a login and sends them to the other tabs. */
  signIn(tokens: SessionTokens): Promise<void>
  /**
   * Returns a valid access token, refreshed if necessary; `undefined` when signed out or while the issuer cannot be
   * reached.
   */
  accessToken(): Promise<string | undefined>
  /** Gets new tokens. `unavailable`: the issuer could not be reached; the session continues. */
  refresh(): Promise<'refreshed' | 'signed_out' | 'unavailable'>
  /**
   * Calls `fetch` with the access token, for URLs of `allowedOrigins`; such a request follows no redirect. After a 401
   * with `invalid_token`, or without an error in the challenge, it is retried once with new tokens if its body can be
   * sent again. Aborting it also ends its wait for tokens.
   */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>
  logout(options?: SessionLogoutOptions): Promise<LoggedOut>
  /** Adds a listener. Returns a function that removes it. */
  on<E extends keyof SessionEvents>(event: E, listener: SessionEvents[E]): () => void
  /** Stops listening to other tabs. The login continues. */
  close(): void
}

export type SessionLogoutOptions = Pick<
  LogoutOptions,
  'clear' | 'timeoutMs' | 'endSession' | 'redirectTo' | 'allowedRedirects'
>
