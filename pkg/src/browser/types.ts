/** Why a revocation is not known to have happened. */
export type RevocationFailure =
  /** The request failed, and the browser says that it has no network. */
  | 'offline'
  /** No answer within `timeoutMs`; the request goes on, so the token may be revoked yet. */
  | 'timed_out'
  /** No connection, a redirect, or an answer that CORS keeps from this page. */
  | 'unreachable'
  /** 401: the endpoint knows no such token or client. */
  | 'refused'
  /** 5xx. */
  | 'server_error'
  /** Another status, or an answer that is not the endpoint's, such as a page of HTML. */
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
  /** Clears the page's own memory. */
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
  /** Of this page's origin, or exactly one of `allowedRedirects`. */
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
  /** How long the answer is waited for. Allowed: 0 to 2147483647. Default 3000. */
  timeoutMs?: number
  /** Tabs with the same name get the logout. Default `portcullis`. */
  channel?: string
  /**
   * The `tokenUrl` of the session that ends, which `clientId` alone does not tell from one at another issuer. Default:
   * a session is known by `clientId`, by issuer and client in the access token, and by its `revokeUrl`, as far as they
   * are there.
   */
  tokenUrl?: URL | string
  /** Where the browser goes afterwards, to end the session of the identity server. Counts over `redirectTo`. */
  endSession?: EndSession
  /**
   * Where the browser goes afterwards. Of this page's origin, or exactly one of `allowedRedirects`; anything else is
   * refused.
   */
  redirectTo?: string
  /** URLs elsewhere that are allowed, exactly. Default: none. */
  allowedRedirects?: string[]
  /** The `fetch` to use. Default: the browser's. */
  fetch?: typeof fetch
}

/** How a logout went. */
export type LoggedOut = Revoked & {
  /** Storage that could not be cleared, such as `localStorage:token` or `indexedDB:app/tokens`. */
  uncleared: string[]
  /** `refused`: the redirect led elsewhere than is allowed, or this frame may not navigate; the page stays. */
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
  /** Logs the user out everywhere; it is POSTed to with the access token as bearer, before that is revoked. */
  logoutEverywhereUrl?: URL | string
  /** Sends the message, such as to your servers; at most `timeoutMs` is waited for it. */
  notify?: (message: CompromiseMessage) => void | Promise<void>
}

export type ReportedCompromise = LoggedOut & {
  loggedOutEverywhere: CompromiseMessage['loggedOutEverywhere']
  notified: 'done' | 'failed' | 'not_asked'
}

export interface SessionTokens {
  accessToken: string
  /** Left out: nothing to refresh with, or it is in a cookie (`cookies: 'include'`). */
  refreshToken?: string
  /**
   * How long the access token lives from now on (`expires_in`). Left out: as long as it says itself (`exp` and `iat` of
   * a JWT), else until it is refused.
   */
  expiresInSeconds?: number
}

/** Tokens as they are stored. */
export interface StoredTokens {
  accessToken: string
  refreshToken?: string
  /** Unix milliseconds by this device's clock. */
  expiresAtMs?: number
  /** Names the login; refreshed tokens keep it. */
  login: number
  /** Grows with every login and refresh. */
  version: number
  /** Names client and token endpoint. Those of another session are ignored; left out, they are this session's. */
  session?: string
}

/** Where tokens are kept beside memory. An injected script can steal everything that scripts can read. */
export interface TokenStorage {
  load(): StoredTokens | undefined | Promise<StoredTokens | undefined>
  save(tokens: StoredTokens): void | Promise<void>
  clear(): void | Promise<void>
}

/**
 * `logout` here, `other_tab` in another tab; `refused`: the issuer refused to go on with this login; `expired`: there
 * was nothing to refresh with; `compromised`: by `reportCompromise`.
 */
export type SignOutReason = 'logout' | 'other_tab' | 'refused' | 'expired' | 'compromised'

/**
 * A JSON object that the token endpoint sent, as it was received: unchecked, with all its members. RFC 6749 §5.1 and
 * OpenID Connect Core 1.0 §12.2 (`id_token`) define the members of a success, RFC 6749 §5.2 those of an error.
 */
export type TokenResponse = Readonly<Record<string, unknown>>

/**
 * Listeners get the response only in the tab that sent the request to the token endpoint. Other tabs and `storage` get
 * the tokens and no other member.
 */
export interface SessionEvents {
  /** `response`: present if a cookie had the login. */
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
  /** The RFC 7009 endpoint. Default: a logout revokes nothing and says so. */
  revokeUrl?: URL | string
  /** The origins that get the access token. */
  allowedOrigins: string[]
  /** Signs in with these at once. */
  tokens?: SessionTokens
  /** Where tokens are kept between pages; it is waited for 1 s at most. Default: in memory only. */
  storage?: TokenStorage
  /** How long before its expiry an access token is refreshed. Allowed: 0 or more. Default 30. */
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
   * Further parameters of each refresh, such as `scope` (RFC 6749 §6) or `resource` (RFC 8707 §2.2); never
   * `grant_type`, `client_id` or `refresh_token`. Default: none.
   */
  parameters?: Record<string, string>
}

/** A login in this browser, one for all tabs. */
export interface Session {
  readonly signedIn: boolean
  /** Takes the tokens of a login, and sends them to the other tabs. */
  signIn(tokens: SessionTokens): Promise<void>
  /**
   * A good access token, refreshed if need be; `undefined` when signed out, or when the issuer cannot be reached now.
   */
  accessToken(): Promise<string | undefined>
  /** Gets new tokens. `unavailable`: the issuer could not be asked; the session goes on. */
  refresh(): Promise<'refreshed' | 'signed_out' | 'unavailable'>
  /**
   * `fetch` with the access token, for URLs of `allowedOrigins`; such a request follows no redirect. After a 401 with
   * `invalid_token`, or without an error in the challenge, it is retried once with new tokens, if its body can be. An
   * abort also rejects it while it waits for tokens.
   */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>
  logout(options?: SessionLogoutOptions): Promise<LoggedOut>
  /** The returned function ends it. */
  on<E extends keyof SessionEvents>(event: E, listener: SessionEvents[E]): () => void
  /** Stops listening to other tabs. The login goes on. */
  close(): void
}

export type SessionLogoutOptions = Pick<
  LogoutOptions,
  'clear' | 'timeoutMs' | 'endSession' | 'redirectTo' | 'allowedRedirects'
>
