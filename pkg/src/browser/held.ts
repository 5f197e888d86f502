import type { StoredTokens } from './types.ts'

/**
 * Remaining life above which a token is returned without waiting for a refresh: enough for a request to arrive before
 * it expires.
 */
const ENOUGH_MS = 5_000

/**
 * Tokens in this page's memory, with two clocks: a monotonic one may stand still in sleep, a wall clock may be put
 * back.
 */
export class HeldTokens {
  readonly stored: StoredTokens
  readonly #expiresMonotonicMs: number
  readonly #refreshBeforeMs: number

  constructor(stored: StoredTokens, refreshBeforeSeconds: number) {
    this.stored = stored
    const leftMs = (stored.expiresAtMs ?? Infinity) - Date.now()
    this.#expiresMonotonicMs = performance.now() + leftMs
    // A token that lives shorter than that would be refreshed at every use.
    this.#refreshBeforeMs = Math.min(refreshBeforeSeconds * 1_000, Math.max(0, leftMs) / 2)
  }

  /** Milliseconds until it expires; negative: since it did. */
  get leftMs(): number {
    const { expiresAtMs = Infinity } = this.stored
    return Math.min(this.#expiresMonotonicMs - performance.now(), expiresAtMs - Date.now())
  }

  /** Whether it can be used without waiting for a newer one. */
  get isEnough(): boolean {
    return this.leftMs > Math.min(ENOUGH_MS, this.#refreshBeforeMs / 2)
  }

  /** Milliseconds until it should be refreshed; 0 or less: now. */
  get dueMs(): number {
    return this.leftMs - this.#refreshBeforeMs
  }
}
