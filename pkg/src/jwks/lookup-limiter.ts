/** Fetches for unknown keys: so many at once, and one more for every REFILL_MS. */
const BUCKET_SIZE = 5
const REFILL_MS = 1000
/** How long a key id is not looked up again. */
const MISSED_MS = 1000
/** How many such ids are remembered, and how much of each: senders of tokens choose both. */
const MAX_MISSED = 256
const MAX_KID_CHARACTERS = 128

/**
 * Decides whether a token with an unknown key may cause a fetch. Made-up and new key ids share a token bucket, but any fetch
 * brings every new key, so neither starves the other.
 */
export class KeyLookupLimiter {
  readonly #missed = new Map<string, number>()
  #tokens = BUCKET_SIZE
  #refilledAtMs = 0

  /** Whether to look a key up now. Waiting for a running fetch costs nothing. */
  admits(kid: string, fetch: 'running' | 'needed'): boolean {
    const missedAtMs = this.#missed.get(shorten(kid))
    if (missedAtMs !== undefined && Math.abs(Date.now() - missedAtMs) < MISSED_MS) return false
    return fetch === 'running' || this.#take()
  }

  /** Remembers that a key was looked up, with whatever result: a known key is not looked up. */
  recordLookup(kid: string): void {
    const id = shorten(kid)
    this.#missed.delete(id)
    this.#missed.set(id, Date.now())
    // A Map keeps the order of insertion: oldest first.
    for (const oldest of this.#missed.keys()) {
      if (this.#missed.size <= MAX_MISSED) break
      this.#missed.delete(oldest)
    }
  }

  #take(): boolean {
    const now = Date.now()
    const earned = Math.max(0, Math.floor((now - this.#refilledAtMs) / REFILL_MS))
    if (earned > 0) {
      this.#tokens = Math.min(BUCKET_SIZE, this.#tokens + earned)
      this.#refilledAtMs = this.#tokens === BUCKET_SIZE ? now : this.#refilledAtMs + earned * REFILL_MS
    }
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}

function shorten(kid: string): string {
  return kid.slice(0, MAX_KID_CHARACTERS)
}
