import { TokenBucket } from '../../timing/token-bucket.ts'

/**
 * CPU that deltas of its own may cost one network: so much at once, and so much a second. An edge that polls needs 0.1
 * ms.
 */
const DELTA_MS = 30
/** Networks whose CPU is remembered at the most; the one that spent longest ago is forgotten. */
const MAX_NETWORKS = 1_000

export interface ReadersOptions {
  /** How many requests of one network may wait at a time. */
  maxWaitingPerAddress: number
  /** Monotonic milliseconds. */
  nowMs?: () => number
}

/** Bounds of one network: requests that wait, and the CPU of deltas. Networks are those of `networkOf`. */
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
   * Takes a place for a request that waits, such as a stream. Returns its release, or `undefined`: the network has no
   * place left. Where the host knows no address (`''`) only the bounds for all apply.
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

  /** The CPU that the network has left for deltas. */
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

/** Milliseconds of CPU that grow back with time. */
export class CpuBudget {
  readonly #nowMs: () => number
  readonly #bucket = new TokenBucket({ size: DELTA_MS, refillMs: 1000 / DELTA_MS })

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  get isSpent(): boolean {
    return this.#bucket.left(this.#nowMs()) <= 0
  }

  /** Runs work that costs only CPU, and counts its time. */
  charge<T>(work: () => T): T {
    const beganAtMs = this.#nowMs()
    try {
      return work()
    } finally {
      this.#bucket.spend(beganAtMs, this.#nowMs() - beganAtMs)
    }
  }
}
