/** How many tokens the core keeps that are at the host (`MAX_HANDLES` in `src/verdict/handles.rs`). */
const MAX_AT_HOST = 256
/** How often a request that may not await what another began looks whether there is room. */
const LOOK_MS = 10
/** When no token has come back for so long, those at the host are taken for lost: their requests may have been cancelled. */
const LOST_MS = 2000

/**
 * Lets as many tokens go to the host at once as the core keeps, the others wait: first come, first served. Without this, many at
 * once would make each other's handles invalid.
 */
export class HostTurns {
  readonly #shareFlights: boolean
  /** In order of arrival. */
  readonly #waiting = new Set<() => void>()
  #atHost = 0
  #movedAtMs = 0

  /** `shareFlights`: whether a request may await what another one ends. */
  constructor(shareFlights: boolean) {
    this.#shareFlights = shareFlights
  }

  /** Takes a turn; false if all are taken. Each turn must be given back by `leave`. */
  enter(): boolean {
    if (this.#atHost >= MAX_AT_HOST) {
      if (this.#shareFlights || Math.abs(Date.now() - this.#movedAtMs) < LOST_MS) return false
      this.#atHost = 0
    }
    if (this.#waiting.size > 0) return false
    this.#atHost += 1
    if (this.#atHost === MAX_AT_HOST) this.#movedAtMs = Date.now()
    return true
  }

  /** Resolves with a turn. */
  async wait(): Promise<void> {
    if (this.#shareFlights) return new Promise((resolve) => void this.#waiting.add(resolve))
    while (!this.enter()) await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }

  /** Gives a turn back, or on to who has waited longest. */
  leave(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#atHost = Math.max(0, this.#atHost - 1)
      if (this.#atHost >= MAX_AT_HOST - 1) this.#movedAtMs = Date.now()
      return
    }
    this.#waiting.delete(next)
    next()
  }
}
