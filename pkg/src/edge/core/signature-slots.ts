/** How many tokens at the host the core keeps (`MAX_HANDLES` in `src/verdict/pending_signatures.rs`). */
const MAX_AT_HOST = 256
/** How often a request that may not await another's promise checks for a free slot. */
const POLL_MS = 10
/** When no slot has been released for so long, all are taken for lost: their requests may have been cancelled. */
const LOST_MS = 2000

/**
 * Lets no more tokens go to the host at once than the core has handles for; others wait, first come, first served.
 * Without this, many concurrent tokens would expire each other's handles.
 */
export class SignatureSlots {
  readonly #shareFlights: boolean
  /** In order of arrival. */
  readonly #waiting = new Set<() => void>()
  #taken = 0
  #releasedAtMs = 0

  /** `shareFlights`: whether a request may await a promise that another one resolves. */
  constructor(shareFlights: boolean) {
    this.#shareFlights = shareFlights
  }

  /** Takes a slot; false if none is free. Each slot must be released. */
  tryAcquire(): boolean {
    if (this.#taken >= MAX_AT_HOST) {
      if (this.#shareFlights || Math.abs(Date.now() - this.#releasedAtMs) < LOST_MS) return false
      this.#taken = 0
    }
    if (this.#waiting.size > 0) return false
    this.#taken += 1
    if (this.#taken === MAX_AT_HOST) this.#releasedAtMs = Date.now()
    return true
  }

  /** Resolves with a slot taken. */
  async acquire(): Promise<void> {
    if (this.#shareFlights) return new Promise((resolve) => void this.#waiting.add(resolve))
    while (!this.tryAcquire()) await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }

  /** Releases a slot, or hands it to the first that waits. */
  release(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#taken = Math.max(0, this.#taken - 1)
      if (this.#taken >= MAX_AT_HOST - 1) this.#releasedAtMs = Date.now()
      return
    }
    this.#waiting.delete(next)
    next()
  }
}
