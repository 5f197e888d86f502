import { TokenBucket } from '../../timing/token-bucket.ts'

/**
 * Burst and rate a second of pushes without a secret that change nothing: each may cost a signature check of 64 KiB,
 * 0.5 ms.
 */
const MAX_IDLE_PUSHES = 20

/**
 * Bounds the cost of pushes without a secret for a gate, over all senders. A push that changes something is not
 * charged: only the origin can sign one, so other senders cannot block it.
 */
export class PushBudget {
  readonly #bucket = new TokenBucket({ size: MAX_IDLE_PUSHES, refillMs: 1000 / MAX_IDLE_PUSHES })

  /** Whether another push may be verified; otherwise it is only a hint that something is new. */
  get hasRoom(): boolean {
    return this.#bucket.left(Date.now()) >= 1
  }

  /** Charges a push that changed nothing. */
  charge(): void {
    this.#bucket.spend(Date.now())
  }
}
