import { TokenBucket } from '../../timing/token-bucket.ts'

/**
 * The burst, and the number a second, of pushes without a secret that bring nothing new: each may cost a signature
 * check of 64 KiB, 0.5 ms.
 */
const MAX_IDLE_PUSHES = 20

/**
 * Bounds what pushes without a secret may cost a gate, all senders together. A push that brings something new is not
 * charged: only the origin can sign one, so no other sender can keep it out.
 */
export class PushBudget {
  readonly #bucket = new TokenBucket({ size: MAX_IDLE_PUSHES, refillMs: 1000 / MAX_IDLE_PUSHES })

  /** Whether another push may be verified; if not, it only hints that there is something new. */
  get hasRoom(): boolean {
    return this.#bucket.left(Date.now()) >= 1
  }

  /** Charges a push that brought nothing new. */
  charge(): void {
    this.#bucket.spend(Date.now())
  }
}
