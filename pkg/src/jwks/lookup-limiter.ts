import type { NowMs } from '../timing/clock.ts'
import { TokenBucket } from '../timing/token-bucket.ts'

/** Fetches for unknown keys: so many at once, and then one a second. */
const FETCHES = { size: 5, refillMs: 1000 }
/** How long a key id is not looked up again. */
const MISSED_MS = 1000
/** How many such ids are remembered, and how much of each: senders of tokens choose both. */
const MAX_MISSED = 256
const MAX_KID_CHARACTERS = 128

/**
 * Decides whether a token with an unknown key may cause a fetch. Made-up and new key ids share a token bucket, but any
 * fetch brings every new key, so neither starves the other.
 */
export class KeyLookupLimiter {
  readonly #missed = new Map<string, number>()
  readonly #fetches = new TokenBucket(FETCHES)
  readonly #maxWaiting: number
  readonly #nowMs: NowMs
  #waiting = 0

  /**
   * `maxWaiting`: how many tokens may wait for a lookup; others are refused at once. Made-up key ids cost a sender
   * nothing.
   */
  constructor(maxWaiting: number, nowMs: NowMs) {
    this.#maxWaiting = maxWaiting
    this.#nowMs = nowMs
  }

  /** Looks a token's key up by the fetch that `join` waits for. False: not now, or it failed. */
  async lookUp(kid: string, fetch: 'running' | 'needed', join: () => Promise<unknown>): Promise<boolean> {
    if (this.#waiting >= this.#maxWaiting || !this.#admits(kid, fetch)) return false
    this.#waiting += 1
    try {
      await join()
      return true
    } catch {
      return false
    } finally {
      this.#waiting -= 1
      this.#record(kid)
    }
  }

  /** Waiting for a running fetch costs nothing. */
  #admits(kid: string, fetch: 'running' | 'needed'): boolean {
    const missedAtMs = this.#missed.get(shorten(kid))
    if (missedAtMs !== undefined && Math.abs(this.#nowMs() - missedAtMs) < MISSED_MS) return false
    return fetch === 'running' || this.#fetches.take(this.#nowMs())
  }

  /** Records the look-up of a key, whether it was found or not: a known key is not looked up. */
  #record(kid: string): void {
    const id = shorten(kid)
    this.#missed.delete(id)
    this.#missed.set(id, this.#nowMs())
    // A Map keeps the order of insertion: oldest first.
    for (const oldest of this.#missed.keys()) {
      if (this.#missed.size <= MAX_MISSED) break
      this.#missed.delete(oldest)
    }
  }
}

function shorten(kid: string): string {
  return kid.slice(0, MAX_KID_CHARACTERS)
}
