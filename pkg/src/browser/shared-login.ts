import { within } from '../timing/deadline.ts'
import { appOf, canonical, endsSession, lifeOf, sessionName, type SessionApp, tokenApp } from './app.ts'
import { clear } from './clear.ts'
import { HeldTokens } from './held.ts'
import { newestOf, nextVersion, readMarks, readStanding, type Standing, writeMark } from './mark.ts'
import { PageStorage } from './page-storage.ts'
import { revoke } from './revoke.ts'
import { logoutSettings, type SessionSettings } from './settings.ts'
import {
  hearSignedOut,
  isStoredTokens,
  type Message,
  openTabs,
  type SharedReason,
  type SignedOut,
  type Tabs,
  tellSignedOut,
} from './tabs.ts'
import type { SessionEvents, SignOutReason, StoredTokens, TokenResponse } from './types.ts'

/**
 * Maximum wait for the replies of other tabs that have newer tokens, that may have them (`PERHAPS_MS`), and that
 * probably do not (`HARDLY_MS`).
 */
export const NEWER_MS = 1_000
const PERHAPS_MS = 250
const HARDLY_MS = 100

/** Tokens as given by the page or the token endpoint. A member set to `undefined` counts as absent. */
export type GivenTokens = {
  accessToken: string
  refreshToken?: string | undefined
  expiresInSeconds?: number | undefined
}

/** Receives an event and the arguments for its listeners. */
type Changed = <E extends keyof SessionEvents>(event: E, ...details: Parameters<SessionEvents[E]>) => void

/** A login as held by this tab, kept in sync with the other tabs by messages, marks and the page's storage. */
export class SharedLogin {
  /** Name of the channel, lock and stored tokens of this app. */
  readonly name: string
  readonly #settings: SessionSettings
  /** Called after tokens were accepted or dropped. */
  readonly #changed: Changed
  readonly #app: SessionApp
  readonly #storage: PageStorage
  readonly #tabs: Tabs
  readonly #unhear: () => void
  #held: HeldTokens | undefined
  /** Version of the newest login, refresh or logout known to this tab. */
  #version = 0
  /** Version of the newest logout known to this tab; it ends every earlier login. */
  #endedVersion = 0
  #hasPeers = false
  #heard: () => void = () => undefined
  #closed = false

  constructor(settings: SessionSettings, changed: Changed) {
    const { channel, clientId, tokenUrl, revokeUrl } = settings
    this.#settings = settings
    this.#changed = changed
    this.#app = {
      client: clientId,
      endpoint: canonical(tokenUrl),
      revocation: revokeUrl && canonical(revokeUrl),
    }
    this.name = sessionName(this.#app)
    this.#storage = new PageStorage(settings.storage)
    this.#tabs = openTabs(channel, this.name, (message) => this.#hear(message))
    this.#unhear = hearSignedOut(channel, (message) => this.#hearSignedOut(message))
  }

  get held(): HeldTokens | undefined {
    return this.#held
  }

  get version(): number {
    return this.#version
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** Loads tokens from storage or from other tabs. Returns the state of the login as recorded before. */
  async open(): Promise<Standing['state']> {
    this.hearMark()
    await this.#load()
    const { state } = this.#standing()
    if (!this.#closed) await this.#ask(this.#held === undefined && state === 'in' ? NEWER_MS : 0)
    return state
  }

  /**
   * Accepts tokens that were just issued, for a new login unless one is given; stores them and informs the other tabs,
   * all before the lock is released. Only listeners of this tab get `response`.
   */
  async accept(tokens: GivenTokens, login?: number, response?: TokenResponse): Promise<void> {
    const { channel } = this.#settings
    const version = nextVersion(Math.max(this.#version, newestOf(readMarks(channel))))
    const stored = storedOf(tokens, login ?? version, version)
    this.#take(stored, response)
    writeMark(channel, { state: 'in', app: this.#appWith(tokens.accessToken), version, login: stored.login })
    this.#tabs.tell({ kind: 'tokens', tokens: stored })
    await this.#storage.save({ ...stored, session: this.name })
  }

  /** Checks whether another tab was faster. A refresh token that another tab has spent must never be spent again. */
  async catchUp(): Promise<void> {
    if (this.hearMark()) return
    await this.#load()
    const { state, version } = this.#standing()
    const isNewer = version > this.#version
    await this.#ask(isNewer ? NEWER_MS : !this.#hasPeers ? 0 : state === 'unknown' ? PERHAPS_MS : HARDLY_MS)
    if (this.hearMark() || this.#standing().version <= this.#version) return
    // Newer tokens were recorded during the wait; their message may still be queued.
    if (!isNewer) await this.#ask(NEWER_MS)
    // The tab with the newer tokens is gone.
    if (this.#standing().version > this.#version && this.#settings.cookies !== 'include') this.#forget('expired')
  }

  /** Returns whether a logout is recorded that this tab has missed. */
  hearMark(): boolean {
    const { state, ended } = this.#standing()
    return state === 'out' && this.#hearSignedOut({ app: this.#app, reason: 'logout', version: ended })
  }

  /**
   * Catches up after a stay in the back-forward cache, where messages are lost. An unknown state counts as a logout.
   */
  restore(): void {
    const { state, login, version } = this.#standing()
    if (state === 'in' && login === this.#held?.stored.login) {
      this.#tabs.tell({ kind: 'asks', version: this.#version })
      return
    }
    this.#version = Math.max(this.#version, version)
    this.#forget('other_tab')
  }

  /** Ends the login here and in the other tabs. */
  signOut(reason: (SignOutReason & SharedReason) | 'expired', response?: TokenResponse): void {
    const wasSignedIn = this.#held !== undefined
    this.#end(nextVersion(this.#version))
    this.#forget(reason, response)
    if (wasSignedIn && reason !== 'expired')
      tellSignedOut(this.#settings.channel, appOf(this.#settings), reason, this.#version)
  }

  /** Ends the login here, for a logout that clears data and informs tabs itself. Returns the tokens to revoke. */
  release(): Partial<StoredTokens> {
    const stored = this.#held?.stored ?? {}
    this.#end(nextVersion(this.#version))
    this.#drop('logout')
    return stored
  }

  /** Revokes tokens that will not be used, without waiting for the response. */
  revokeUnused({ accessToken, refreshToken }: GivenTokens): void {
    const { revokeUrl, clientId, channel, fetch } = this.#settings
    if (revokeUrl === undefined) return
    void revoke(logoutSettings({ revokeUrl, clientId, channel, fetch, accessToken, refreshToken }))
  }

  /** Drops the tokens. A refresh in progress spends the old token, so its new tokens still go to the other tabs. */
  close(refreshing: Promise<unknown> | undefined): void {
    this.#closed = true
    this.#held = undefined
    this.#unhear()
    const closeTabs = (): void => this.#tabs.close()
    if (refreshing === undefined) closeTabs()
    else void refreshing.then(closeTabs, closeTabs)
  }

  /** Reads the mark of this login, identified by the given access token. */
  #standing(accessToken = this.#held?.stored.accessToken): Standing {
    return readStanding(this.#settings.channel, this.#appWith(accessToken))
  }

  #appWith(accessToken: string | undefined): SessionApp {
    return { ...this.#app, token: accessToken && tokenApp(accessToken) }
  }

  #take(stored: StoredTokens, response?: TokenResponse): void {
    // Tokens refreshed while the session closed are for the other tabs.
    if (this.#closed) return
    const isLogin = this.#held?.stored.login !== stored.login
    this.#held = new HeldTokens(stored, this.#settings.refreshBeforeSeconds)
    this.#version = stored.version
    this.#changed(isLogin ? 'signed-in' : 'refreshed', response)
  }

  async #load(): Promise<void> {
    await this.#storage.load((stored) => {
      if (!isStoredTokens(stored) || stored.version <= this.#version) return
      // The storage is shared with another app of the web origin.
      if (stored.session !== undefined && stored.session !== this.name) return
      // A logout that failed to clear the tokens, or had no time to, has ended their login all the same.
      if (!this.#isEnded(stored)) this.#take(stored)
    })
  }

  /** Returns whether a logout, received as a message or mark, has ended the login of these tokens. */
  #isEnded({ login, accessToken }: StoredTokens): boolean {
    return login <= Math.max(this.#endedVersion, this.#standing(accessToken).ended)
  }

  /** Requests newer tokens from the other tabs and waits for them. */
  async #ask(ms: number): Promise<void> {
    this.#tabs.tell({ kind: 'asks', version: this.#version })
    if (ms > 0) await within(new Promise<void>((resolve) => (this.#heard = resolve)), ms)
  }

  #hear(message: Message): void {
    this.#hasPeers = true
    const stored = this.#held?.stored
    switch (message.kind) {
      case 'tokens':
        if (message.tokens.version <= this.#version || this.#isEnded(message.tokens)) return
        this.#take(message.tokens)
        return this.#heard()
      case 'asks':
        return this.#tabs.tell(
          stored !== undefined && stored.version > message.version
            ? { kind: 'tokens', tokens: stored }
            : { kind: 'here' },
        )
      case 'here':
    }
  }

  /** Handles a logout in another tab. Returns whether it ended this login. */
  #hearSignedOut({ app, reason, version }: SignedOut): boolean {
    const held = this.#held?.stored
    if (!endsSession(app, this.#appWith(held?.accessToken))) return false
    // A refresh may be newer than the logout, but the login is not.
    if (version <= Math.max(this.#endedVersion, held?.login ?? this.#version)) return false
    // The other tab did not have these tokens, so they are not revoked yet.
    if (held !== undefined && held.version > version) this.revokeUnused(held)
    this.#end(version)
    this.#forget(reason === 'logout' ? 'other_tab' : reason)
    this.#heard()
    return true
  }

  /** Ends every login before this version. */
  #end(version: number): void {
    this.#endedVersion = Math.max(this.#endedVersion, version)
    this.#version = Math.max(this.#version + 1, version)
  }

  /** Signs out and clears the private data of this tab. */
  #forget(reason: SignOutReason, response?: TokenResponse): void {
    const { clear: named, storage } = this.#settings
    if (this.#drop(reason, response)) void clear(named, storage)
  }

  /** Signs out; no token is returned from now on. Returns whether there was a login. */
  #drop(reason: SignOutReason, response?: TokenResponse): boolean {
    const wasSignedIn = this.#held !== undefined
    this.#held = undefined
    if (wasSignedIn) this.#changed('signed-out', reason, response)
    return wasSignedIn
  }
}

function storedOf(
  { accessToken, refreshToken, expiresInSeconds }: GivenTokens,
  login: number,
  version: number,
): StoredTokens {
  const expiresAtMs = Date.now() + (expiresInSeconds ?? lifeOf(accessToken) ?? Infinity) * 1_000
  return {
    accessToken,
    ...(refreshToken === undefined ? {} : { refreshToken }),
    ...(expiresAtMs < Infinity ? { expiresAtMs } : {}),
    login,
    version,
  }
}
