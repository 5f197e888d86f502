import { backoffMs } from '../timing/backoff.ts'
import type { HeldTokens } from './held.ts'
import { type Lock, lockOf } from './lock.ts'
import { browser } from './page.ts'
import { refresh } from './refresh.ts'
import type { SessionSettings } from './settings.ts'
import type { SharedLogin } from './shared-login.ts'

/** Interval at which the clocks are checked, because timers stop during sleep. */
const LOOK_MS = 30_000
const RETRY_BACKOFF = { firstMs: 1_000, longestMs: 30_000 }

/** Why new tokens are requested: they are due, a caller asked for them, or an API rejected the token. */
type Want = 'due' | 'asked' | 'refused'

type RefreshOutcome = 'refreshed' | 'signed_out' | 'unavailable'

/** Refreshes the tokens of a login when they are due or on request, and never in two tabs at once. */
export class Refresher {
  readonly #settings: SessionSettings
  readonly #login: SharedLogin
  readonly #lock: Lock
  #underWay: Promise<RefreshOutcome> | undefined
  #failures = 0
  /**
   * A due refresh waits until this time. Before `#closedUntilMs` no request at all is sent to the token endpoint
   * (`Retry-After`).
   */
  #retryAtMs = 0
  #closedUntilMs = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(settings: SessionSettings, login: SharedLogin) {
    this.#settings = settings
    this.#login = login
    this.#lock = lockOf(`${settings.channel}:refresh:${login.name}`)
  }

  /** Returns whether the tokens are due and the last failure is long enough ago. */
  isDue(held: HeldTokens): boolean {
    return held.dueMs <= 0 && performance.now() >= this.#retryAtMs
  }

  /**
   * Refreshes unless the tokens held differ from `stale`. Runs one refresh at a time in this tab; the lock covers the
   * other tabs.
   */
  refresh(stale: HeldTokens | undefined, want: Want): Promise<RefreshOutcome> {
    this.#underWay ??= this.#lock((isHeld) => this.#refreshOnce(stale, want, isHeld)).finally(() => {
      this.#underWay = undefined
      this.#schedule()
    })
    return this.#underWay
  }

  /** Must be called when the tokens have changed or were dropped. */
  changed(): void {
    if (this.#login.held !== undefined) {
      this.#failures = 0
      this.#retryAtMs = this.#closedUntilMs = 0
    }
    this.#schedule()
  }

  /**
   * Refreshes if the tokens are due and the page is visible: a background tab must not prevent a session from going
   * idle.
   */
  check(): void {
    const { held } = this.#login
    if (held === undefined) return
    const canRefresh = this.#canRefresh(held)
    const isSeen = globalThis.document?.visibilityState !== 'hidden'
    if (!canRefresh && held.leftMs <= 0) return this.#login.signOut('expired')
    if (canRefresh && isSeen && this.isDue(held)) void this.refresh(held, 'due')
    else this.#schedule()
  }

  /**
   * Must be called when the network is back: a retry then need not wait, unless the token endpoint requested a wait.
   */
  online(): void {
    this.#retryAtMs = this.#closedUntilMs
    this.check()
  }

  /** Stops the timer. Returns the refresh in progress. */
  stop(): Promise<unknown> | undefined {
    clearTimeout(this.#timer)
    return this.#underWay
  }

  async #refreshOnce(stale: HeldTokens | undefined, want: Want, isHeld: () => boolean): Promise<RefreshOutcome> {
    const login = this.#login
    const { cookies } = this.#settings
    await login.catchUp()
    const { held, version } = login
    if (held === undefined && (stale !== undefined || cookies !== 'include' || login.isClosed)) return 'signed_out'
    if (held !== undefined && held.stored.accessToken !== stale?.stored.accessToken && held.leftMs > 0)
      return 'refreshed'
    const refreshToken = held?.stored.refreshToken
    if (refreshToken === undefined && cookies !== 'include') {
      if (want !== 'refused' && (held?.leftMs ?? 0) > 0) return 'unavailable'
      login.signOut('expired')
      return 'signed_out'
    }
    // This tab was frozen since the lock was granted: another tab may be spending the refresh token.
    if (!isHeld() || performance.now() < this.#closedUntilMs) return 'unavailable'
    const answer = await refresh(this.#settings, refreshToken)
    // Another tab's logout may already be written as a mark while its message is still on the way.
    login.hearMark()
    if (login.version !== version) {
      // The user logged out or in meanwhile, so the tokens just issued must be revoked.
      if (answer.kind === 'tokens') login.revokeUnused(answer.tokens)
      return login.held === undefined ? 'signed_out' : 'refreshed'
    }
    switch (answer.kind) {
      case 'tokens':
        await login.accept(
          { ...answer.tokens, refreshToken: answer.tokens.refreshToken ?? refreshToken },
          held?.stored.login,
          answer.response,
        )
        return 'refreshed'
      case 'refused':
        login.signOut('refused', answer.response)
        return 'signed_out'
      case 'unavailable':
        this.#closedUntilMs = performance.now() + (answer.retryAfterMs ?? 0)
        this.#retryAtMs = Math.max(this.#closedUntilMs, performance.now() + backoffMs(RETRY_BACKOFF, ++this.#failures))
        return 'unavailable'
    }
  }

  #canRefresh({ stored }: HeldTokens): boolean {
    return stored.refreshToken !== undefined || this.#settings.cookies === 'include'
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    const { held } = this.#login
    // On a server, tokens are refreshed when they are used.
    if (held?.stored.expiresAtMs === undefined || browser().location === undefined) return
    const nextMs = this.#canRefresh(held) ? Math.max(held.dueMs, this.#retryAtMs - performance.now()) : held.leftMs
    // A visible page has already refreshed if it was due.
    this.#timer = setTimeout(() => this.check(), nextMs <= 0 ? RETRY_BACKOFF.firstMs : Math.min(nextMs, LOOK_MS))
  }
}
