/** The burst, and the number a second, of pushes without a secret that bring nothing new: each may cost a signature check of 64 KiB, 0.5 ms. */
const MAX_IDLE_PUSHES = 20

/**
 * Bounds what pushes without a secret may cost a gate, all senders together. A push that brings something new is not charged:
 * only the origin can sign one, so no other sender can keep it out.
 */
export class PushBudget {
  readonly #nowMs: () => number
  #left = MAX_IDLE_PUSHES
  #atMs: number

  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs
    this.#atMs = nowMs()
  }

  /** Whether another push may be verified; if not, it only hints that there is something new. */
  get hasRoom(): boolean {
    const nowMs = this.#nowMs()
    // A clock that goes back refills nothing.
    const gained = (Math.max(0, nowMs - this.#atMs) * MAX_IDLE_PUSHES) / 1000
    this.#left = Math.min(MAX_IDLE_PUSHES, this.#left + gained)
    this.#atMs = nowMs
    return this.#left >= 1
  }

  /** Charges a push that brought nothing new. */
  charge(): void {
    this.#left -= 1
  }
}
