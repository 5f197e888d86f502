/** The size of a bucket, and the time in which one token is refilled. */
export interface Rate {
  readonly size: number
  readonly refillMs: number
}

/**
 * A token bucket that starts full. Time is passed in as milliseconds of one clock; if the clock goes back, the level
 * does not change.
 */
export class TokenBucket {
  readonly #rate: Rate
  /** The level as the time needed to refill it: whole milliseconds add up exactly. */
  #leftMs: number
  #atMs = -Infinity

  constructor(rate: Rate) {
    this.#rate = rate
    this.#leftMs = rate.size * rate.refillMs
  }

  /** Returns the number of tokens left, including fractions; negative if the bucket is overdrawn. */
  left(nowMs: number): number {
    this.#refill(nowMs)
    return this.#leftMs / this.#rate.refillMs
  }

  /** Takes one token if available. */
  take(nowMs: number): boolean {
    if (this.left(nowMs) < 1) return false
    this.spend(nowMs)
    return true
  }

  /** Takes tokens even if the bucket is overdrawn. */
  spend(nowMs: number, tokens = 1): void {
    this.#refill(nowMs)
    this.#leftMs -= tokens * this.#rate.refillMs
  }

  /** Returns one token to the bucket, which never holds more than its size. */
  giveBack(nowMs: number): void {
    this.spend(nowMs, -1)
    this.#refill(nowMs)
  }

  /** Returns the time until a token is available; 0 if one is. */
  waitMs(nowMs: number): number {
    this.#refill(nowMs)
    return Math.max(0, this.#rate.refillMs - this.#leftMs)
  }

  #refill(nowMs: number): void {
    const { size, refillMs } = this.#rate
    this.#leftMs = Math.min(size * refillMs, this.#leftMs + Math.max(0, nowMs - this.#atMs))
    this.#atMs = nowMs
  }
}
