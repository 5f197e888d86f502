import { TokenBucket } from '../../timing/token-bucket.ts'

/**
 * The CPU time that one network may use for its own deltas: this much at once, and this much per second. A polling edge
 * needs 0.1 ms.
 */
const DELTA_MS = 30
/** The maximum number of networks whose CPU use is remembered; the one that used CPU longest ago is evicted. */
const MAX_NETWORKS = 1_000

interface ReadersOptions {
  /** The maximum number of waiting requests of one network. */
  maxWaitingPerAddress: number
  /** Monotonic milliseconds. */
  nowMs?: () => number
}

/** The limits of one network: waiting requests, and CPU time for deltas. Networks are those of `networkOf`. */
export class Readers {
  readonly #maxWaitingPerAddress: number
  readonly #nowMs: () => number
  readonly #waiting = new Map<string, number>()
  readonly #budgets = new Map<string, CpuBudget>()

  constructor({ maxWaitingPerAddress, nowMs = () => performance.now() }: ReadersOptions) {
    this.#maxWaitingPerAddress = maxWaitingPerAddress
    this.#nowMs = nowMs
  }

  /**
   * Reserves a place for a request that waits, such as a stream. Returns its release function, or `undefined` if the
   * network has no place left. If the host knows no address (`''`), only the limits for all networks apply.
   */
  enter(network: string): (() => void) | undefined {
    if (network === '') return () => undefined
    const waiting = this.#waiting.get(network) ?? 0
    if (waiting >= this.#maxWaitingPerAddress) return undefined
    this.#waiting.set(network, waiting + 1)
    let leave = (): void => {
      leave = () => undefined
      const left = (this.#waiting.get(network) ?? 1) - 1
      if (left === 0) this.#waiting.delete(network)
      else this.#waiting.set(network, left)
    }
    return () => leave()
  }

  /** Returns the CPU time that the network has left for deltas. */
  budget(network: string): CpuBudget {
    const budget = this.#budgets.get(network) ?? new CpuBudget(this.#nowMs)
    this.#budgets.delete(network)
    this.#budgets.set(network, budget)
    if (this.#budgets.size > MAX_NETWORKS)
      for (const oldest of this.#budgets.keys()) return this.#forget(oldest, budget)
    return budget
  }

  #forget(network: string, budget: CpuBudget): CpuBudget {
    this.#budgets.delete(network)
    return budget
  }
}

/** A budget of CPU milliseconds that refills over time. */
export class CpuBudget {
  readonly #nowMs: () => number
  readonly #bucket = new TokenBucket({ size: DELTA_MS, refillMs: 1000 / DELTA_MS })

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  get isSpent(): boolean {
    return this.#bucket.left(this.#nowMs()) <= 0
  }

  /** Runs work that uses only CPU, and charges its duration. */
  charge<T>(work: () => T): T {
    const beganAtMs = this.#nowMs()
    try {
      return work()
    } finally {
      this.#bucket.spend(beganAtMs, this.#nowMs() - beganAtMs)
    }
  }
}
