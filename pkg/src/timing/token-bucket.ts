/** How much may be taken at once, and how long one token takes to grow back. */
export interface Rate {
  readonly size: number
  readonly refillMs: number
}

/**
 * A token bucket; it begins full. Time is an argument: milliseconds of one clock, whose steps back give and take
 * nothing.
 */
export class TokenBucket {
  readonly #rate: Rate
  /** The tokens left, as the time that they take to grow back: whole milliseconds add up exactly. */
  #leftMs: number
  #atMs = -Infinity

  constructor(rate: Rate) {
    this.#rate = rate
    this.#leftMs = rate.size * rate.refillMs
  }

  /** The tokens left, fractions included; below 0 when more was spent than there was. */
  left(nowMs: number): number {
    this.#refill(nowMs)
    return this.#leftMs / this.#rate.refillMs
  }

  /** Takes one token if there is one. */
  take(nowMs: number): boolean {
    if (this.left(nowMs) < 1) return false
    this.spend(nowMs)
    return true
  }

  /** Takes tokens whether or not they are there. */
  spend(nowMs: number, tokens = 1): void {
    this.#refill(nowMs)
    this.#leftMs -= tokens * this.#rate.refillMs
  }

  /** Gives one token back that was taken; the bucket never holds more than its size. */
  giveBack(nowMs: number): void {
    this.spend(nowMs, -1)
    this.#refill(nowMs)
  }

  /** How long until there is a token; 0: there is one. */
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
