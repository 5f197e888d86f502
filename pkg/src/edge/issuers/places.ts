import { Place, type Standing } from './place.ts'

/** How many realms there may be of which a token has verified. */
export const MAX_VERIFIED = 1000
/** How many others, those included whose function is asked: so many that were never verified, and so many that were before an eviction. */
export const MAX_UNVERIFIED = 16

/** The places of a gate whose realms are a function. Senders of made-up tokens share a few of them and cannot take any other. */
export class Places<R> {
  readonly #byIssuer = new Map<string, Place<R>>()
  readonly #byStanding: Readonly<Record<Standing, Set<Place<R>>>> = { unknown: new Set(), returning: new Set(), verified: new Set() }
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

  /** The issuer's place, unless it was only kept for requests that have left. */
  get(issuer: string, nowMs: number): Place<R> | undefined {
    const place = this.#byIssuer.get(issuer)
    if (place !== undefined) this.#retire(place, nowMs)
    return place?.end === undefined ? place : undefined
  }

  /** A new place, if need be that of the oldest realm of its standing. `undefined`: requests wait in each of them. */
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

  /** A token of the realm has verified. While requests wait in every place for such realms, it keeps the place that it has. */
  verify(place: Place<R>, nowMs: number): void {
    if (place.end !== undefined || !this.#makeRoom('verified', MAX_VERIFIED, nowMs)) return
    this.#byStanding[place.standing].delete(place)
    place.standing = 'verified'
    place.isRetiring = false
    this.#byStanding.verified.add(place)
  }

  /** A request no longer waits for the realm. */
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

  /** Lets no more requests into the oldest realm: issuers whose keys are slow must not keep places for ever. Questions end by themselves. */
  #retireOldest(standing: Standing): void {
    const slow = oldest(this.#byStanding[standing], ({ realm, isRetiring }) => realm !== undefined && !isRetiring)
    if (slow !== undefined) slow.isRetiring = true
  }

  #retire(place: Place<R>, nowMs: number): void {
    if (place.isRetiring && !place.isBusyAt(nowMs)) this.remove(place, 'keys_unavailable')
  }
}

/** The one that was used least recently among those that fit. */
function oldest<R>(places: Iterable<Place<R>>, fits: (place: Place<R>) => boolean): Place<R> | undefined {
  let found: Place<R> | undefined
  for (const place of places) if (fits(place) && (found === undefined || place.usedAtMs < found.usedAtMs)) found = place
  return found
}
