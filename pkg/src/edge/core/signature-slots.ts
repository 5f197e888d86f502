/** Number of tokens at the host that the core keeps (`MAX_HANDLES` in `src/verdict/pending_signatures.rs`). */
const MAX_AT_HOST = 256
/** Interval at which a request that may not await another's promise checks for a free slot. */
const POLL_MS = 10
/** If no slot has been released for this time, all are considered lost: their requests may have been cancelled. */
const LOST_MS = 2000

/**
 * Limits the tokens at the host to the number of the core's handles; others wait in order of arrival. Without this,
 * many concurrent tokens would expire each other's handles.
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

  /** Takes a slot; returns false if none is free. Each slot must be released. */
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

  /** Waits for a slot and takes it. */
  async acquire(): Promise<void> {
    if (this.#shareFlights) return new Promise((resolve) => void this.#waiting.add(resolve))
    while (!this.tryAcquire()) await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }

  /** Releases a slot, or passes it to the first waiting token. */
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
