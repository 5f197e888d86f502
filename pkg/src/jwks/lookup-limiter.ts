/** Fetches for unknown keys: so many at once, and one more for every REFILL_MS. */
const BUCKET_SIZE = 5
const REFILL_MS = 1000
/** How long a key id that was looked for is not looked for again. */
const MISSED_MS = 1000
/** How many such ids are remembered, and how much of each: both are chosen by whoever sends tokens. */
const MAX_MISSED = 256
const MAX_KID_CHARACTERS = 128

/**
 * Says whether a token with an unknown key is worth a fetch. Garbage and rotation share a token bucket, but any fetch
 * brings every new key, so neither starves the other.
 */
export class KeyLookupLimiter {
  readonly #missed = new Map<string, number>()
  #tokens = BUCKET_SIZE
  #refilledAtMs = 0

  /** Whether to look for a key now. A fetch that is under way costs nothing to wait for. */
  admits(kid: string, fetch: 'under_way' | 'needed'): boolean {
    const missedAtMs = this.#missed.get(shorten(kid))
    if (missedAtMs !== undefined && Math.abs(Date.now() - missedAtMs) < MISSED_MS) return false
    return fetch === 'under_way' || this.#take()
  }

  /** Remembers that a key was looked for. Whether it was found need not be said: a known key is not looked for. */
  lookedFor(kid: string): void {
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
