/** Time during which the function is not called again for an unknown issuer. */
const REMEMBERED_MS = 10_000
/** Maximum number of entries. The call rate keeps it far lower, but the bound does not rely on that. */
const MAX_ISSUERS = 256

/** Issuers for which the function has returned no realm. */
export class NegativeAnswers {
  readonly #untilMs = new Map<string, number>()

  add(issuer: string, nowMs: number): void {
    this.#untilMs.delete(issuer)
    this.#untilMs.set(issuer, nowMs + REMEMBERED_MS)
    // A Map keeps insertion order: oldest first.
    for (const [oldest, untilMs] of this.#untilMs) {
      if (this.#untilMs.size <= MAX_ISSUERS && untilMs > nowMs) break
      this.#untilMs.delete(oldest)
    }
  }

  has(issuer: string, nowMs: number): boolean {
    const untilMs = this.#untilMs.get(issuer)
    // An entry must not last longer after the clock was set back.
    return untilMs !== undefined && nowMs < untilMs && untilMs <= nowMs + REMEMBERED_MS
  }

  get size(): number {
    return this.#untilMs.size
  }
}
