/** Pushes without a secret that were no news, at once and a second: each may have cost a signature check of 64 KiB, 0.5 ms. */
const MAX_IDLE_PUSHES = 20

/**
 * Bounds what pushes without a secret may cost a gate, all senders together. News is not counted: only the origin can sign
 * it, so no other push can keep it out.
 */
export class Strangers {
  readonly #nowMs: () => number
  #left = MAX_IDLE_PUSHES
  #atMs: number

  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs
    this.#atMs = nowMs()
  }

  /** Whether another push may be looked at; if not, it is a hint at the most. */
  get areAdmitted(): boolean {
    const nowMs = this.#nowMs()
    // A clock that goes back gives nothing.
    const gained = (Math.max(0, nowMs - this.#atMs) * MAX_IDLE_PUSHES) / 1000
    this.#left = Math.min(MAX_IDLE_PUSHES, this.#left + gained)
    this.#atMs = nowMs
    return this.#left >= 1
  }

  /** A push was no news. */
  wereIdle(): void {
    this.#left -= 1
  }
}
