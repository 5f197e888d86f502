import { Place, type Standing } from './place.ts'

/** Maximum number of realms with a verified token. */
export const MAX_VERIFIED = 1000
/**
 * The same for realms without a verified token, including those whose call is running: for new ones, and separately for
 * evicted ones that return.
 */
export const MAX_UNVERIFIED = 16

/**
 * The places of a gate whose realms are a function. Senders of forged tokens share a few of them and cannot take any
 * other.
 */
export class Places<R> {
  readonly #byIssuer = new Map<string, Place<R>>()
  readonly #byStanding: Readonly<Record<Standing, Set<Place<R>>>> = {
    unknown: new Set(),
    returning: new Set(),
    verified: new Set(),
  }
  readonly #onRemoved: (place: Place<R>) => void

  constructor(onRemoved: (place: Place<R>) => void) {
    this.#onRemoved = onRemoved
  }

  get size(): number {
    return this.#byIssuer.size
  }

  [Symbol.iterator](): Iterator<Place<R>> {
    return this.#byIssuer.values()
  }

  /** Returns the issuer's place. A retiring place without waiting requests is removed first. */
  get(issuer: string, nowMs: number): Place<R> | undefined {
    const place = this.#byIssuer.get(issuer)
    if (place !== undefined) this.#retire(place, nowMs)
    return place?.end === undefined ? place : undefined
  }

  /**
   * Returns a new place; if all are taken, evicts the least recently used idle realm of that standing. Returns
   * `undefined` if none is idle.
   */
  reserve(issuer: string, standing: Exclude<Standing, 'verified'>, nowMs: number): Place<R> | undefined {
    if (!this.#makeRoom(standing, MAX_UNVERIFIED, nowMs)) {
      this.#retireOldest(standing)
      return undefined
    }
    const place = new Place<R>(issuer, standing, nowMs)
    this.#byIssuer.set(issuer, place)
    this.#byStanding[standing].add(place)
    return place
  }

  /**
   * Records that a token of the realm has verified. If no verified place is idle, the realm keeps its current standing.
   */
  verify(place: Place<R>, nowMs: number): void {
    if (place.end !== undefined || !this.#makeRoom('verified', MAX_VERIFIED, nowMs)) return
    this.#byStanding[place.standing].delete(place)
    place.standing = 'verified'
    place.isRetiring = false
    this.#byStanding.verified.add(place)
  }

  /** Unregisters a request that waited for the realm. */
  leave(place: Place<R>, nowMs: number): void {
    place.leave()
    this.#retire(place, nowMs)
  }

  /** Frees a place. */
  remove(place: Place<R>, end: NonNullable<Place<R>['end']>): void {
    if (place.end !== undefined) return
    place.end = end
    this.#byIssuer.delete(place.issuer)
    this.#byStanding[place.standing].delete(place)
    this.#onRemoved(place)
  }

  #makeRoom(standing: Standing, most: number, nowMs: number): boolean {
    const places = this.#byStanding[standing]
    if (places.size < most) return true
    const idle = oldest(places, (place) => !place.isBusyAt(nowMs))
    if (idle === undefined) return false
    this.remove(idle, 'keys_unavailable')
    return true
  }

  /**
   * Closes the oldest realm to further requests, so that issuers with slow keys cannot hold all places. Running calls
   * end on their own.
   */
  #retireOldest(standing: Standing): void {
    const slow = oldest(this.#byStanding[standing], ({ realm, isRetiring }) => realm !== undefined && !isRetiring)
    if (slow !== undefined) slow.isRetiring = true
  }

  #retire(place: Place<R>, nowMs: number): void {
    if (place.isRetiring && !place.isBusyAt(nowMs)) this.remove(place, 'keys_unavailable')
  }
}

/** Returns the least recently used place that fits. */
function oldest<R>(places: Iterable<Place<R>>, fits: (place: Place<R>) => boolean): Place<R> | undefined {
  let found: Place<R> | undefined
  for (const place of places) if (fits(place) && (found === undefined || place.usedAtMs < found.usedAtMs)) found = place
  return found
}
