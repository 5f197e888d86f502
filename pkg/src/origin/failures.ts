/** Pairs remembered at the most; when there are more, the one that failed longest ago is forgotten. */
const MAX_PAIRS = 10_000
const WINDOW_MS = 60_000

/**
 * Counts failures by client address and account, so that guessing is slow and nobody is locked out by what others do.
 * Successes cost nothing. A pair's allowance grows back evenly over a minute.
 */
export class FailureLimiter {
  readonly #maxFailuresPerMinute: number
  readonly #nowMs: () => number
  /** By pair, in the order of their last failure: how many failures still count, and when that was so. */
  readonly #pairs = new Map<string, { failures: number; atMs: number }>()

  constructor(maxFailuresPerMinute: number, nowMs: () => number = () => performance.now()) {
    this.#maxFailuresPerMinute = maxFailuresPerMinute
    this.#nowMs = nowMs
  }

  /** Whole seconds after which the pair may try again; `undefined`: now. */
  retryAfterSeconds(address: string, account: string): number | undefined {
    const excess = this.#counting(keyOf(address, account)) - this.#maxFailuresPerMinute + 1
    if (excess <= 0) return undefined
    return Math.max(1, Math.ceil((excess * WINDOW_MS) / this.#maxFailuresPerMinute / 1000))
  }

  failed(address: string, account: string): void {
    const key = keyOf(address, account)
    const failures = this.#counting(key) + 1
    this.#pairs.delete(key)
    this.#pairs.set(key, { failures, atMs: this.#nowMs() })
    if (this.#pairs.size > MAX_PAIRS) for (const oldest of this.#pairs.keys()) return void this.#pairs.delete(oldest)
  }

  #counting(key: string): number {
    const known = this.#pairs.get(key)
    if (known === undefined) return 0
    return Math.max(0, known.failures - ((this.#nowMs() - known.atMs) / WINDOW_MS) * this.#maxFailuresPerMinute)
  }
}

function keyOf(address: string, account: string): string {
  return JSON.stringify([address, account])
}
