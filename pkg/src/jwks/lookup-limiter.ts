import type { NowMs } from '../timing/clock.ts'
import { TokenBucket } from '../timing/token-bucket.ts'

/** Rate of fetches for unknown keys: a burst, then one a second. */
const FETCHES = { size: 5, refillMs: 1000 }
/** How long a missing key id is not looked up again. */
const MISSED_MS = 1000
/** How many missing ids are remembered, and how much of each: senders of tokens choose both. */
const MAX_MISSED = 256
const MAX_KID_CHARACTERS = 128

/**
 * Decides whether a token with an unknown key may cause a fetch. Made-up and new key ids share a token bucket. Any
 * fetch brings every new key, so neither kind starves the other.
 */
export class KeyLookupLimiter {
  readonly #missed = new Map<string, number>()
  readonly #fetches = new TokenBucket(FETCHES)
  readonly #maxWaiting: number
  readonly #nowMs: NowMs
  #waiting = 0

  /**
   * `maxWaiting`: how many tokens may wait for a lookup; others are refused immediately. Made-up key ids cost a sender
   * nothing.
   */
  constructor(maxWaiting: number, nowMs: NowMs) {
    this.#maxWaiting = maxWaiting
    this.#nowMs = nowMs
  }

  /**
   * Looks up a token's key by the fetch that `join` waits for. Returns false if that is not allowed now or has failed.
   */
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

  /** Returns whether a lookup is allowed. Waiting for a running fetch costs no token of the bucket. */
  #admits(kid: string, fetch: 'running' | 'needed'): boolean {
    const missedAtMs = this.#missed.get(shorten(kid))
    if (missedAtMs !== undefined && Math.abs(this.#nowMs() - missedAtMs) < MISSED_MS) return false
    return fetch === 'running' || this.#fetches.take(this.#nowMs())
  }

  /** Records the lookup of a key, whether it was found or not: a known key is not looked up. */
  #record(kid: string): void {
    const id = shorten(kid)
    this.#missed.delete(id)
    this.#missed.set(id, this.#nowMs())
    // A Map keeps insertion order: oldest first.
    for (const oldest of this.#missed.keys()) {
      if (this.#missed.size <= MAX_MISSED) break
      this.#missed.delete(oldest)
    }
  }
}

function shorten(kid: string): string {
  return kid.slice(0, MAX_KID_CHARACTERS)
}
