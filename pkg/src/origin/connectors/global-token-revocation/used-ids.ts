/**
 * More JWTs than callers send while one is valid, even when a company logs all its users out. Uses 15 MB with the
 * longest ids.
 */
const MAX_IDS = 50_000
/** The longest id, in characters. */
export const MAX_ID_CHARACTERS = 256

/**
 * The ids of used JWTs, each kept until its JWT has expired. Only ids of verified JWTs are added, so only callers can
 * fill it. Bounded, and lost when the process ends.
 */
export class UsedIds {
  /** Unix seconds until which each id is kept. */
  readonly #ids = new Map<string, number>()

  /** Marks an id as used. Returns `full` if there is no room and no stored id has expired. */
  take(id: string, until: number, now: number): 'taken' | 'used' | 'full' {
    if ((this.#ids.get(id) ?? 0) >= now) return 'used'
    if (this.#ids.size >= MAX_IDS) this.#forget(now)
    if (this.#ids.size >= MAX_IDS) return 'full'
    this.#ids.set(id, until)
    return 'taken'
  }

  /** Releases an id after a failure at the origin: its JWT may be sent again. */
  giveBack(id: string): void {
    this.#ids.delete(id)
  }

  #forget(now: number): void {
    for (const [id, until] of this.#ids) if (until < now) this.#ids.delete(id)
  }
}
