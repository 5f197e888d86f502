/** How long the function is not asked again for an issuer that it does not know. */
const REMEMBERED_MS = 10_000
/** Questions are rarer than this many in that time; the bound does not rely on it. */
const MAX_ISSUERS = 256

/** Issuers for which the function has no realm. */
export class NegativeAnswers {
  readonly #untilMs = new Map<string, number>()

  add(issuer: string, nowMs: number): void {
    this.#untilMs.delete(issuer)
    this.#untilMs.set(issuer, nowMs + REMEMBERED_MS)
    // A Map keeps the order of insertion: oldest first.
    for (const [oldest, untilMs] of this.#untilMs) {
      if (this.#untilMs.size <= MAX_ISSUERS && untilMs > nowMs) break
      this.#untilMs.delete(oldest)
    }
  }

  has(issuer: string, nowMs: number): boolean {
    const untilMs = this.#untilMs.get(issuer)
    // A clock that was set back must not make an answer last longer.
    return untilMs !== undefined && nowMs < untilMs && untilMs <= nowMs + REMEMBERED_MS
  }

  get size(): number {
    return this.#untilMs.size
  }
}
