import { within } from '../timing/deadline.ts'
import { PortcullisError } from '../errors.ts'
import { checkOptions } from '../options.ts'
import { clearToo, logOutOnce } from './logout.ts'
import { browser, listen } from './page.ts'
import { Refresher } from './refresher.ts'
import { failed, revoke } from './revoke.ts'
import { logoutSettings, type LogoutSettings, type SessionSettings, sessionSettings, TOKEN_RULES } from './settings.ts'
import { NEWER_MS, SharedLogin } from './shared-login.ts'
import type { LoggedOut, Session, SessionEvents, SessionLogoutOptions, SessionOptions, SessionTokens } from './types.ts'

/**
 * Returns a login that all tabs of this browser share. Supports Chrome and Edge 93, Firefox 92, Safari 15.4 and later.
 * On a server, nothing is sent before the session is used. Throws `invalid_option`.
 */
export function createSession(options: SessionOptions): Session {
  return new BrowserSession(sessionSettings(options))
}

class BrowserSession implements Session {
  readonly #settings: SessionSettings
  readonly #login: SharedLogin
  readonly #refresher: Refresher
  readonly #listeners = new Map<keyof SessionEvents, Set<(...details: never[]) => void>>()
  #opening: Promise<unknown> | undefined
  readonly #unlisten: () => void
  #loggingOut: Promise<LoggedOut> | undefined

  constructor(settings: SessionSettings) {
    this.#settings = settings
    this.#login = new SharedLogin(settings, (event, ...details) => {
      this.#refresher.changed()
      this.#emit(event, details)
    })
    this.#refresher = new Refresher(settings, this.#login)
    const ends = [
      listen('pageshow', ({ persisted }: PageTransitionEvent) => {
        if (persisted) this.#login.restore()
        this.#refresher.check()
      }),
      listen('visibilitychange', () => this.#refresher.check(), globalThis.document),
      listen('online', () => this.#refresher.online()),
    ]
    this.#unlisten = () => ends.forEach((end) => end())
    // On a server, an unused session sends nothing: it has no cookie, and modules may not send requests while they
    // load.
    if (settings.tokens !== undefined) this.#opening = this.#login.accept(settings.tokens)
    else if (browser().location !== undefined) void this.#opened()
  }

  get signedIn(): boolean {
    return this.#login.held !== undefined
  }

  async signIn(tokens: SessionTokens): Promise<void> {
    this.#assertOpen()
    checkOptions(tokens, TOKEN_RULES, 'tokens')
    await this.#login.accept(tokens)
  }

  async accessToken(): Promise<string | undefined> {
    this.#assertOpen()
    if (this.#login.held?.isEnough !== true) await this.#opened()
    const { held } = this.#login
    if (held === undefined) return undefined
    if (this.#refresher.isDue(held)) {
      const refreshing = this.#refresher.refresh(held, 'due')
      // A token that is still valid long enough does not wait for a lock, storage or the issuer.
      if (!held.isEnough) await refreshing
    }
    const now = this.#login.held
    return now !== undefined && now.leftMs > 0 ? now.stored.accessToken : undefined
  }

  async refresh(): Promise<'refreshed' | 'signed_out' | 'unavailable'> {
    this.#assertOpen()
    await this.#opened()
    return this.#refresher.refresh(this.#login.held, 'asked')
  }

  async fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init)
    const { fetch, allowedOrigins } = this.#settings
    if (!allowedOrigins.includes(new URL(request.url).origin)) return fetch(request)
    const token = await unlessAborted(request, () => this.accessToken())
    if (token === undefined) return fetch(request)
    const again = init?.body instanceof ReadableStream ? undefined : request.clone()
    const used = this.#login.held
    const response = await fetch(withBearer(request, token))
    if (!isInvalidToken(response)) return response
    if (used?.stored.accessToken === token) await unlessAborted(request, () => this.#refresher.refresh(used, 'refused'))
    const renewed = this.#login.held?.stored.accessToken
    if (again === undefined || renewed === undefined || renewed === token) return response
    // Not awaited: cancelling a stalled stream may never settle.
    response.body?.cancel().catch(() => undefined)
    return fetch(withBearer(again, renewed))
  }

  async logout(options: SessionLogoutOptions = {}): Promise<LoggedOut> {
    this.#assertOpen()
    const { clear: named, ...rest } = options
    const { revokeUrl, tokenUrl, clientId, cookies, channel, fetch, storage } = this.#settings
    const checked = logoutSettings({
      ...rest,
      revokeUrl: revokeUrl ?? tokenUrl,
      tokenUrl,
      clientId,
      channel,
      fetch,
      clear: { ...this.#settings.clear, ...named },
      cookies: cookies === 'include' ? 'include' : 'same-origin',
    })
    // An unresponsive token endpoint must not delay a logout.
    await within(this.#opened(), NEWER_MS)
    const settings = { ...checked, storage }
    if (this.#loggingOut !== undefined) return clearToo(settings, this.#loggingOut)
    this.#loggingOut = this.#logOut(settings).finally(() => {
      this.#loggingOut = undefined
    })
    return this.#loggingOut
  }

  on<E extends keyof SessionEvents>(event: E, listener: SessionEvents[E]): () => void {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners.add(listener))
    return () => void listeners.delete(listener)
  }

  close(): void {
    this.#login.close(this.#refresher.stop())
    this.#unlisten()
  }

  #opened(): Promise<unknown> {
    return (this.#opening ??= this.#open())
  }

  /** Resumes an existing login; with a cookie, the issuer returns its tokens. */
  async #open(): Promise<void> {
    const state = await this.#login.open()
    if (
      this.#login.isClosed ||
      this.#login.held !== undefined ||
      this.#settings.cookies !== 'include' ||
      state === 'out'
    )
      return
    await this.#refresher.refresh(undefined, 'asked')
  }

  async #logOut(settings: LogoutSettings): Promise<LoggedOut> {
    const { accessToken, refreshToken } = this.#login.release()
    const revokes = this.#settings.revokeUrl === undefined ? async () => failed('nothing_to_revoke') : revoke
    return logOutOnce({ ...settings, accessToken, refreshToken }, 'logout', revokes)
  }

  #emit(event: keyof SessionEvents, details: unknown[]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        listener(...(details as never[]))
      } catch (error) {
        // An error in one listener blocks neither the others nor a logout.
        console.error(error)
      }
    }
  }

  #assertOpen(): void {
    if (this.#login.isClosed) throw new PortcullisError('closed', 'the session object was closed')
  }
}

/**
 * Returns the request with the token. It follows no redirect, because older browsers send the header to the redirect's
 * origin too.
 */
function withBearer(request: Request, token: string): Request {
  const headers = new Headers(request.headers)
  headers.set('authorization', `Bearer ${token}`)
  return new Request(request, { headers, redirect: request.redirect === 'follow' ? 'error' : request.redirect })
}

/**
 * Calls `act` and waits for it, but rejects at once if the request is aborted. The work that `act` started continues
 * for other callers.
 */
function unlessAborted<T>({ signal }: Request, act: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason ?? new DOMException('The request was aborted.', 'AbortError'))
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort)
    act()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort))
  })
}

/**
 * Returns whether a response rejects the token (RFC 6750 §3.1). Many APIs send no challenge, or one without an error
 * although there was a token, and CORS hides it from pages of other origins: all of these may concern the token.
 */
function isInvalidToken({ status, headers }: Response): boolean {
  const challenge = headers.get('www-authenticate') ?? 'bearer'
  return (
    status === 401 &&
    (/\binvalid_token\b/.test(challenge) || (/^bearer\b/i.test(challenge) && !/\berror=/.test(challenge)))
  )
}
