import type { StoredTokens } from './types.ts'

/**
 * Remaining lifetime above which a token is returned without waiting for a refresh: enough for a request to arrive
 * before the token expires.
 */
const ENOUGH_MS = 5_000

/**
 * Tokens in this page's memory, timed by two clocks: a monotonic clock may stop during sleep, and a wall clock may be
 * set back.
 */
export class HeldTokens {
  readonly stored: StoredTokens
  readonly #expiresMonotonicMs: number
  readonly #refreshBeforeMs: number

  constructor(stored: StoredTokens, refreshBeforeSeconds: number) {
    this.stored = stored
    const leftMs = (stored.expiresAtMs ?? Infinity) - Date.now()
    this.#expiresMonotonicMs = performance.now() + leftMs
    // Without this bound, a token with a shorter lifetime would be refreshed at every use.
    this.#refreshBeforeMs = Math.min(refreshBeforeSeconds * 1_000, Math.max(0, leftMs) / 2)
  }

  /** Milliseconds until the token expires; negative after it has expired. */
  get leftMs(): number {
    const { expiresAtMs = Infinity } = this.stored
    return Math.min(this.#expiresMonotonicMs - performance.now(), expiresAtMs - Date.now())
  }

  /** Whether the token can be used without waiting for a newer one. */
  get isEnough(): boolean {
    return this.leftMs > Math.min(ENOUGH_MS, this.#refreshBeforeMs / 2)
  }

  /** Milliseconds until the token is due for a refresh; 0 or less if it is due now. */
  get dueMs(): number {
    return this.leftMs - this.#refreshBeforeMs
  }
}
