import type { CoreMarks } from '../core/core-options.ts'

/** Maximum number of evicted realms that are remembered; the oldest is dropped. A realm takes about 0.5 kB. */
const MAX_REALMS = 10_000

/** The data that outlive a realm's eviction. */
interface EvictedRealm {
  /**
   * The position of its state, so that an older state is refused when the realm returns; `undefined`: no state was
   * loaded.
   */
  readonly marks: CoreMarks | undefined
  /** The public keys (`x`) of the feed to which the position belongs. */
  readonly feedKeys: readonly string[]
  /** Whether the function knew the issuer at its last call. */
  readonly isReturning: boolean
}

/** The realms that were evicted after a token of theirs had verified. */
export class RealmMarks {
  readonly #realms = new Map<string, EvictedRealm>()
  readonly #most: number

  constructor(most: number = MAX_REALMS) {
    this.#most = most
  }

  add(issuer: string, realm: EvictedRealm): void {
    this.#realms.delete(issuer)
    this.#realms.set(issuer, realm)
    // A Map keeps insertion order: oldest first.
    for (const oldest of this.#realms.keys()) {
      if (this.#realms.size <= this.#most) break
      this.#realms.delete(oldest)
    }
  }

  get(issuer: string): EvictedRealm | undefined {
    return this.#realms.get(issuer)
  }

  /** Returns whether a token of the issuer's realm had verified and the function still knew the issuer. */
  isReturning(issuer: string): boolean {
    return this.#realms.get(issuer)?.isReturning ?? false
  }

  /**
   * Records that the function no longer knows the issuer. The position is kept, because the issuer may become known
   * again.
   */
  distrust(issuer: string): void {
    const realm = this.#realms.get(issuer)
    if (realm !== undefined) this.#realms.set(issuer, { ...realm, isReturning: false })
  }

  get size(): number {
    return this.#realms.size
  }
}
