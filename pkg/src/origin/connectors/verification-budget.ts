import { pause } from '../../timing/deadline.ts'
import { TokenBucket } from '../../timing/token-bucket.ts'
import { MessageRefused } from './message-refused.ts'

/**
 * How long a message waits for its verification. Keycloak gives a receiver 5 s, of which a lookup of an unknown key may
 * take 2.
 */
const MAX_WAIT_MS = 2_000
/**
 * The maximum number of messages that wait at the same time. Each holds its token, so this bounds the memory that a
 * flood can take.
 */
const MAX_WAITING = 1_000

/**
 * Limits the number of signatures verified per second. Messages of an issuer come from few addresses, and forged ones
 * may come through the same proxy, so failures per address show nothing. The cost of verification is limited instead,
 * for good and forged messages alike.
 */
export class VerificationBudget {
  readonly #bucket: TokenBucket
  readonly #nowMs: () => number
  #waiting = 0

  /** `nowMs`: monotonic milliseconds. */
  constructor(perSecond: number, nowMs: () => number = () => performance.now()) {
    this.#bucket = new TokenBucket({ size: perSecond, refillMs: 1000 / perSecond })
    this.#nowMs = nowMs
  }

  /**
   * Resolves when one signature may be verified, in the order of the calls. Rejects with `MessageRefused` (`too_busy`).
   */
  async take(): Promise<void> {
    const now = this.#nowMs()
    const waitMs = this.#bucket.waitMs(now)
    if (waitMs > 0 && (waitMs > MAX_WAIT_MS || this.#waiting >= MAX_WAITING)) {
      throw new MessageRefused('too_busy', 'too many messages to verify at once: send it again')
    }
    this.#bucket.spend(now)
    if (waitMs === 0) return
    this.#waiting += 1
    await pause(waitMs)
    this.#waiting -= 1
  }

  /** Returns what `take` consumed for a message that needed no verification. */
  giveBack(): void {
    this.#bucket.spend(this.#nowMs(), -1)
  }
}
