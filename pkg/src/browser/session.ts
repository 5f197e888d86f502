import { within } from '../timing/deadline.ts'
import { PortcullisError } from '../errors.ts'
import { checkOptions } from '../options.ts'
import { appOf, canonical, endsSession, sessionName, type SessionApp, tokenApp } from './app.ts'
import { clear } from './clear.ts'
import { HeldTokens } from './held.ts'
import { type Lock, lockOf } from './lock.ts'
import { clearToo, logOutOnce } from './logout.ts'
import { newestOf, nextVersion, readMarks, readStanding, type Standing, writeMark } from './mark.ts'
import { listen } from './page-events.ts'
import { PageStorage } from './page-storage.ts'
import { refresh } from './refresh.ts'
import { failed, revoke } from './revoke.ts'
import { logoutSettings, type LogoutSettings, type SessionSettings, sessionSettings, TOKEN_RULES } from './settings.ts'
import { hearSignedOut, isStoredTokens, type Message, openTabs, type SharedReason, type SignedOut, type Tabs, tellSignedOut } from './tabs.ts'
import type {
  LoggedOut,
  Session,
  SessionEvents,
  SessionLogoutOptions,
  SessionOptions,
  SessionTokens,
  SignOutReason,
  StoredTokens,
} from './types.ts'

/** A login that all tabs of this browser share. Throws `invalid_option`. */
export function createSession(options: SessionOptions): Session {
  return new BrowserSession(sessionSettings(options))
}

/** How long an answer of other tabs is waited for: where they have something newer; where they may; where that is unlikely. */
const NEWER_MS = 1_000
const PERHAPS_MS = 250
const HARDLY_MS = 100
/** Timers stand still in sleep, so the clocks are looked at this often. */
const LOOK_MS = 30_000
const FIRST_RETRY_MS = 1_000
const MAX_RETRY_MS = 30_000

/** Why new tokens are wanted. */
type Want = 'due' | 'asked' | 'refused'

class BrowserSession implements Session {
  readonly #settings: SessionSettings
  readonly #app: SessionApp
  /** Names what only tabs of this app share. */
  readonly #name: string
  readonly #lock: Lock
  readonly #storage: PageStorage
  readonly #tabs: Tabs
  readonly #listeners = new Map<keyof SessionEvents, Set<(reason: SignOutReason) => void>>()
  readonly #opening: Promise<unknown>
  readonly #unwatch: () => void
  #held: HeldTokens | undefined
  /** Of the newest login, refresh or logout that this tab knows of. */
  #version = 0
  /** The newest logout that this tab knows of: it ends every login before it. */
  #endedVersion = 0
  #hasPeers = false
  #heard: () => void = () => undefined
  #refreshing: Promise<'refreshed' | 'signed_out' | 'unavailable'> | undefined
  #loggingOut: Promise<LoggedOut> | undefined
  #failures = 0
  #retryAtMs = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #closed = false

  constructor(settings: SessionSettings) {
    const { channel, clientId, tokenUrl, revokeUrl } = settings
    this.#settings = settings
    this.#app = {
      client: clientId,
      endpoint: canonical(tokenUrl),
      revocation: revokeUrl && canonical(revokeUrl),
    }
    this.#name = sessionName(this.#app)
    this.#lock = lockOf(`${channel}:refresh:${this.#name}`)
    this.#storage = new PageStorage(settings.storage)
    this.#tabs = openTabs(channel, this.#name, (message) => this.#hear(message))
    const ends = [
      hearSignedOut(channel, (message) => this.#hearSignedOut(message)),
      listen('pageshow', ({ persisted }: PageTransitionEvent) => {
        if (persisted) this.#restored()
        this.#check()
      }),
      listen('visibilitychange', () => this.#check(), globalThis.document),
      listen('online', () => {
        this.#retryAtMs = 0
        this.#check()
      }),
    ]
    this.#unwatch = () => ends.forEach((end) => end())
    this.#opening = settings.tokens === undefined ? this.#open() : this.#begin(settings.tokens)
  }

  get signedIn(): boolean {
    return this.#held !== undefined
  }

  async signIn(tokens: SessionTokens): Promise<void> {
    this.#assertOpen()
    checkOptions(tokens, TOKEN_RULES, 'tokens')
    await this.#begin(tokens)
  }

  async accessToken(): Promise<string | undefined> {
    this.#assertOpen()
    if (this.#held?.isEnough !== true) await this.#opening
    const held = this.#held
    if (held === undefined) return undefined
    if (held.dueMs <= 0 && performance.now() >= this.#retryAtMs) {
      const refreshing = this.#refreshed(held, 'due')
      // A token that is still good waits for no lock, storage or issuer.
      if (!held.isEnough) await refreshing
    }
    const now = this.#held
    return now !== undefined && now.leftMs > 0 ? now.stored.accessToken : undefined
  }

  async refresh(): Promise<'refreshed' | 'signed_out' | 'unavailable'> {
    this.#assertOpen()
    await this.#opening
    return this.#refreshed(this.#held, 'asked')
  }

  async fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init)
    const { fetch, allowedOrigins } = this.#settings
    if (!allowedOrigins.includes(new URL(request.url).origin)) return fetch(request)
    const token = await this.accessToken()
    if (token === undefined) return fetch(request)
    const again = init?.body instanceof ReadableStream ? undefined : request.clone()
    const used = this.#held
    const response = await fetch(withBearer(request, token))
    if (!isInvalidToken(response)) return response
    if (used?.stored.accessToken === token) await this.#refreshed(used, 'refused')
    const renewed = this.#held?.stored.accessToken
    if (again === undefined || renewed === undefined || renewed === token) return response
    await response.body?.cancel()
    return fetch(withBearer(again, renewed))
  }

  async logout(options: SessionLogoutOptions = {}): Promise<LoggedOut> {
    this.#assertOpen()
    const { clear: named, ...rest } = options
    const { revokeUrl, tokenUrl, clientId, cookies, channel, fetch, storage } = this.#settings
    const common = { ...rest, revokeUrl: revokeUrl ?? tokenUrl, tokenUrl, clientId, channel, fetch, clear: { ...this.#settings.clear, ...named } }
    const checked = logoutSettings({ ...common, cookies: cookies === 'include' ? 'include' : 'same-origin' })
    // A token endpoint that is silent must not hold a logout up.
    await within(this.#opening, NEWER_MS)
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
    this.#closed = true
    this.#held = undefined
    clearTimeout(this.#timer)
    this.#unwatch()
    // The old refresh token is spent: the other tabs need to be told of the new one.
    const closeTabs = (): void => this.#tabs.close()
    if (this.#refreshing === undefined) closeTabs()
    else void this.#refreshing.then(closeTabs, closeTabs)
  }

  /** What is stored, or what other tabs have; with a cookie what the issuer gives for it. */
  async #open(): Promise<void> {
    this.#hearMark()
    await this.#load()
    const { state } = this.#standing()
    if (this.#closed) return
    await this.#ask(this.#held === undefined && state === 'in' ? NEWER_MS : 0)
    if (this.#closed || this.#held !== undefined || this.#settings.cookies !== 'include' || state === 'out') return
    await this.#refreshed(undefined, 'asked')
  }

  async #begin({ accessToken, refreshToken, expiresInSeconds }: SessionTokens): Promise<void> {
    const version = nextVersion(Math.max(this.#version, newestOf(readMarks(this.#settings.channel))))
    await this.#share(storedOf({ accessToken, refreshToken, expiresInSeconds }, version, version))
  }

  async #logOut(settings: LogoutSettings): Promise<LoggedOut> {
    const { accessToken, refreshToken } = this.#held?.stored ?? {}
    this.#end(nextVersion(this.#version))
    this.#drop('logout')
    const revokes = this.#settings.revokeUrl === undefined ? async () => failed('nothing_to_revoke') : revoke
    return logOutOnce({ ...settings, accessToken, refreshToken }, 'logout', revokes)
  }

  /** One at a time in this tab; the lock sees to the others. */
  #refreshed(stale: HeldTokens | undefined, want: Want): Promise<'refreshed' | 'signed_out' | 'unavailable'> {
    this.#refreshing ??= this.#lock((isHeld) => this.#refreshOnce(stale, want, isHeld)).finally(() => {
      this.#refreshing = undefined
      this.#schedule()
    })
    return this.#refreshing
  }

  async #refreshOnce(stale: HeldTokens | undefined, want: Want, isHeld: () => boolean): Promise<'refreshed' | 'signed_out' | 'unavailable'> {
    const { cookies } = this.#settings
    await this.#catchUp()
    const held = this.#held
    const version = this.#version
    if (held === undefined && (stale !== undefined || cookies !== 'include' || this.#closed)) return 'signed_out'
    if (held !== undefined && held.stored.accessToken !== stale?.stored.accessToken && held.leftMs > 0) return 'refreshed'
    const refreshToken = held?.stored.refreshToken
    if (refreshToken === undefined && cookies !== 'include') {
      if (want !== 'refused' && (held?.leftMs ?? 0) > 0) return 'unavailable'
      this.#signOut('expired')
      return 'signed_out'
    }
    // This tab was frozen; another one may be spending the refresh token.
    if (!isHeld()) return 'unavailable'
    const answer = await refresh(this.#settings, refreshToken)
    // Another tab's logout may be written down already, though its message is still on the way.
    this.#hearMark()
    if (this.#version !== version) {
      // Somebody logged out or in meanwhile: what has just been issued must not outlive that.
      if (answer.kind === 'tokens') this.#revokeBehind(answer.tokens)
      return this.#held === undefined ? 'signed_out' : 'refreshed'
    }
    switch (answer.kind) {
      case 'tokens': {
        const next = nextVersion(version)
        await this.#share(storedOf({ refreshToken, ...answer.tokens }, held?.stored.login ?? next, next))
        return 'refreshed'
      }
      case 'refused':
        this.#signOut('refused')
        return 'signed_out'
      case 'unavailable':
        this.#retryAtMs = performance.now() + Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures)
        this.#failures += 1
        return 'unavailable'
    }
  }

  /** Whether another tab was faster. A refresh token that another tab has spent must never be spent again. */
  async #catchUp(): Promise<void> {
    if (this.#hearMark()) return
    await this.#load()
    const { state, version } = this.#standing()
    const isNewer = version > this.#version
    await this.#ask(isNewer ? NEWER_MS : !this.#hasPeers ? 0 : state === 'unknown' ? PERHAPS_MS : HARDLY_MS)
    if (this.#hearMark() || this.#standing().version <= this.#version) return
    // Newer tokens were written down during the wait; their message may still be queued.
    if (!isNewer) await this.#ask(NEWER_MS)
    // The tab that has the newer tokens is gone.
    if (this.#standing().version > this.#version && this.#settings.cookies !== 'include') this.#forget('expired')
  }

  /** Whether a logout is written down that this tab has not heard of. */
  #hearMark(): boolean {
    const { state, ended } = this.#standing()
    return state === 'out' && this.#hearSignedOut({ app: this.#app, reason: 'logout', version: ended })
  }

  /** Reads what is written down about this session, judged by the given access token. */
  #standing(accessToken = this.#held?.stored.accessToken): Standing {
    return readStanding(this.#settings.channel, this.#appWith(accessToken))
  }

  #appWith(accessToken: string | undefined): SessionApp {
    return { ...this.#app, token: accessToken && tokenApp(accessToken) }
  }

  /** Takes new tokens, keeps them, and tells the other tabs: all of it before the lock is released. */
  async #share(stored: StoredTokens): Promise<void> {
    const { version, login, accessToken } = stored
    this.#take(stored)
    writeMark(this.#settings.channel, { state: 'in', app: this.#appWith(accessToken), version, login })
    this.#tabs.tell({ kind: 'tokens', tokens: stored })
    await this.#storage.save({ ...stored, session: this.#name })
  }

  #take(stored: StoredTokens): void {
    // What was refreshed while it closed is for the other tabs.
    if (this.#closed) return
    const isLogin = this.#held?.stored.login !== stored.login
    this.#held = new HeldTokens(stored, this.#settings.refreshBeforeSeconds)
    this.#version = stored.version
    this.#failures = 0
    this.#retryAtMs = 0
    this.#schedule()
    this.#emit(isLogin ? 'signed-in' : 'refreshed')
  }

  async #load(): Promise<void> {
    await this.#storage.load((stored) => {
      if (!isStoredTokens(stored) || stored.version <= this.#version) return
      // Another app of the web origin uses the same place.
      if (stored.session !== undefined && stored.session !== this.#name) return
      // A logout that could not clear them, or had no time to, has ended them all the same.
      if (!this.#isEnded(stored)) this.#take(stored)
    })
  }

  /** Returns whether a logout that was heard or written down has ended the login of these tokens. */
  #isEnded({ login, accessToken }: StoredTokens): boolean {
    return login <= Math.max(this.#endedVersion, this.#standing(accessToken).ended)
  }

  /** Asks the other tabs for newer tokens and waits for them. */
  async #ask(ms: number): Promise<void> {
    this.#tabs.tell({ kind: 'asks', version: this.#version })
    if (ms > 0) await within(new Promise<void>((resolve) => (this.#heard = resolve)), ms)
  }

  #hear(message: Message): void {
    switch (message.kind) {
      case 'tokens':
        this.#hasPeers = true
        if (message.tokens.version <= this.#version || this.#isEnded(message.tokens)) return
        this.#take(message.tokens)
        return this.#heard()
      case 'asks': {
        this.#hasPeers = true
        const stored = this.#held?.stored
        const isNewer = stored !== undefined && stored.version > message.version
        return this.#tabs.tell(isNewer ? { kind: 'tokens', tokens: stored } : { kind: 'here' })
      }
      case 'here':
        this.#hasPeers = true
    }
  }

  /** Returns whether the logout ended this session. */
  #hearSignedOut({ app, reason, version }: SignedOut): boolean {
    const held = this.#held?.stored
    if (!endsSession(app, this.#appWith(held?.accessToken))) return false
    // A refresh may be newer than the logout; the login is not.
    if (version <= Math.max(this.#endedVersion, held?.login ?? this.#version)) return false
    // Of these the other tab knew nothing.
    if (held !== undefined && held.version > version) this.#revokeBehind(held)
    this.#end(version)
    this.#forget(reason === 'logout' ? 'other_tab' : reason)
    this.#heard()
    return true
  }

  /** From the back-forward cache, where nothing is heard. What it cannot know it takes for a logout. */
  #restored(): void {
    const { state, login, version } = this.#standing()
    if (state === 'in' && login === this.#held?.stored.login) {
      this.#tabs.tell({ kind: 'asks', version: this.#version })
      return
    }
    this.#version = Math.max(this.#version, version)
    this.#forget('other_tab')
  }

  #signOut(reason: SignOutReason & SharedReason | 'expired'): void {
    const wasSignedIn = this.#held !== undefined
    this.#end(nextVersion(this.#version))
    this.#forget(reason)
    if (wasSignedIn && reason !== 'expired') tellSignedOut(this.#settings.channel, appOf(this.#settings), reason, this.#version)
  }

  /** Ends every login before this version. */
  #end(version: number): void {
    this.#endedVersion = Math.max(this.#endedVersion, version)
    this.#version = Math.max(this.#version + 1, version)
  }

  /** Signs out and clears this tab. */
  #forget(reason: SignOutReason): void {
    if (this.#held === undefined) return
    this.#drop(reason)
    const { clear: named, storage } = this.#settings
    void clear(named, storage)
  }

  /** Signs out; from now on no token is given away. */
  #drop(reason: SignOutReason): void {
    clearTimeout(this.#timer)
    if (this.#held === undefined) return
    this.#held = undefined
    this.#emit('signed-out', reason)
  }

  #revokeBehind({ accessToken, refreshToken }: SessionTokens): void {
    const { revokeUrl, clientId, channel, fetch } = this.#settings
    if (revokeUrl === undefined) return
    void revoke(logoutSettings({ revokeUrl, clientId, channel, fetch, accessToken, refreshToken }))
  }

  /** Refreshes when it is time and somebody looks: a tab in the background must not keep a session from going idle. */
  #check(): void {
    const held = this.#held
    if (held === undefined) return
    const canRefresh = this.#canRefresh(held)
    const isSeen = globalThis.document?.visibilityState !== 'hidden'
    if (!canRefresh && held.leftMs <= 0) return this.#signOut('expired')
    if (canRefresh && isSeen && held.dueMs <= 0 && performance.now() >= this.#retryAtMs) void this.#refreshed(held, 'due')
    else this.#schedule()
  }

  #canRefresh({ stored }: HeldTokens): boolean {
    return stored.refreshToken !== undefined || this.#settings.cookies === 'include'
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    const held = this.#held
    if (held === undefined || held.stored.expiresAtMs === undefined || this.#closed) return
    const nextMs = this.#canRefresh(held) ? Math.max(held.dueMs, this.#retryAtMs - performance.now()) : held.leftMs
    // At once is what a visible page has done already.
    this.#timer = setTimeout(() => this.#check(), nextMs <= 0 ? FIRST_RETRY_MS : Math.min(nextMs, LOOK_MS))
    const { unref } = this.#timer as { unref?: () => void }
    unref?.call(this.#timer)
  }

  #emit(event: keyof SessionEvents, reason?: SignOutReason): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        listener(reason as SignOutReason)
      } catch (error) {
        // One that fails keeps neither the others nor a logout from going on.
        console.error(error)
      }
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new PortcullisError('closed', 'the session object was closed')
  }
}

function storedOf(
  { accessToken, refreshToken, expiresInSeconds }: { [K in keyof SessionTokens]: SessionTokens[K] | undefined } & { accessToken: string },
  login: number,
  version: number,
): StoredTokens {
  return {
    accessToken,
    ...(refreshToken === undefined ? {} : { refreshToken }),
    ...(expiresInSeconds === undefined ? {} : { expiresAtMs: Date.now() + expiresInSeconds * 1_000 }),
    login,
    version,
  }
}

/** Older browsers take the header along when they follow a redirect to another origin, so none is followed. */
function withBearer(request: Request, token: string): Request {
  const headers = new Headers(request.headers)
  headers.set('authorization', `Bearer ${token}`)
  return new Request(request, { headers, redirect: request.redirect === 'follow' ? 'error' : request.redirect })
}

/** RFC 6750 §3.1. Where CORS hides the challenge, it may be this. */
function isInvalidToken({ status, headers, type }: Response): boolean {
  const hidden = type === 'basic' ? '' : 'invalid_token'
  return status === 401 && /\binvalid_token\b/.test(headers.get('www-authenticate') ?? hidden)
}
