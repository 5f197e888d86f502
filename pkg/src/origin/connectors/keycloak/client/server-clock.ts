/** The most by which a clock may be past the whole second that it shows, in milliseconds. */
const SECOND_MS = 999

/**
 * Estimates Keycloak's clock from the `iat` of access tokens that it has just issued, because its responses have no
 * `Date`. Each `iat` has whole seconds and was set between request and response, so together they bound the difference
 * between its clock and ours.
 */
export class ServerClock {
  readonly #nowMs: () => number
  /** Bounds of Keycloak's time minus ours, in milliseconds. */
  #bounds: { least: number; greatest: number } | undefined

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** The latest time that Keycloak's clock may show now, in unix milliseconds; ours while nothing is known. */
  latestMs(): number {
    return this.#nowMs() + (this.#bounds?.greatest ?? 0)
  }

  /** The earliest time that Keycloak's clock may show now; ours while nothing is known. */
  earliestMs(): number {
    return this.#nowMs() + (this.#bounds?.least ?? 0)
  }

  /** Converts a time of our clock to Keycloak's, as closely as is known; both in unix milliseconds. */
  fromOurs(ms: number): number {
    return ms + this.#leadMs
  }

  /** Converts a time of Keycloak's clock to ours. */
  toOurs(ms: number): number {
    return ms - this.#leadMs
  }

  /** Learns that Keycloak's clock showed this second at some time since `sentAtMs`. */
  learn(seconds: number, sentAtMs: number): void {
    const shown = { least: seconds * 1000 - this.#nowMs(), greatest: seconds * 1000 + SECOND_MS - sentAtMs }
    const known = this.#bounds ?? shown
    const both = { least: Math.max(known.least, shown.least), greatest: Math.min(known.greatest, shown.greatest) }
    // Disjoint bounds mean that one of the clocks was set, so the newer bounds apply.
    this.#bounds = both.least <= both.greatest ? both : shown
  }

  get #leadMs(): number {
    return this.#bounds === undefined ? 0 : (this.#bounds.least + this.#bounds.greatest) / 2
  }
}
