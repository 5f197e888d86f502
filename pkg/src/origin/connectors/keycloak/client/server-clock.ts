/** The most by which a clock that shows a whole second may be past it. */
const SECOND_MS = 999

/**
 * Keycloak's clock, learnt from the `iat` of access tokens that it has just made, for its answers have no `Date`. Each
 * has whole seconds and was made at some time between request and answer, so together they bound how far it differs
 * from ours.
 */
export class ServerClock {
  readonly #nowMs: () => number
  /** Bounds of its time minus ours. */
  #bounds: { least: number; greatest: number } | undefined

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** The latest time that Keycloak's clock may show now, in unix milliseconds; ours while nothing is known. */
  latestMs(): number {
    return this.#nowMs() + (this.#bounds?.greatest ?? 0)
  }

  /** The earliest time that it may show now; ours while nothing is known. */
  earliestMs(): number {
    return this.#nowMs() + (this.#bounds?.least ?? 0)
  }

  /** A time of our clock by Keycloak's, as near as is known; both in unix milliseconds. */
  fromOurs(ms: number): number {
    return ms + this.#leadMs
  }

  /** A time of Keycloak's clock by ours. */
  toOurs(ms: number): number {
    return ms - this.#leadMs
  }

  /** Keycloak's clock showed this second at some time since `sentAtMs`. */
  learn(seconds: number, sentAtMs: number): void {
    const shown = { least: seconds * 1000 - this.#nowMs(), greatest: seconds * 1000 + SECOND_MS - sentAtMs }
    const known = this.#bounds ?? shown
    const both = { least: Math.max(known.least, shown.least), greatest: Math.min(known.greatest, shown.greatest) }
    // Bounds that exclude each other: one of the clocks was set, so the newer ones count.
    this.#bounds = both.least <= both.greatest ? both : shown
  }

  get #leadMs(): number {
    return this.#bounds === undefined ? 0 : (this.#bounds.least + this.#bounds.greatest) / 2
  }
}
