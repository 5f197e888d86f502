import type { TokenBucket } from '../../timing/token-bucket.ts'

/** How many requests may wait at once for one issuer of which no token has verified. */
const MAX_WAITING = 64
/** After this the requests in a place are taken for lost: in workerd a cancelled request never leaves. */
const LOST_MS = 10_000

/** Whether a token of a realm has verified: never, before an eviction, or since it is here. */
export type Standing = 'unknown' | 'returning' | 'verified'

/** How the question for an issuer's realm ended. */
export type Outcome = 'loaded' | 'wrong_issuer' | 'keys_unavailable'

/** A question under way. */
export interface Question {
  readonly startedAtMs: number
}

/** The place of one issuer at a gate whose realms are a function: from the question for its realm to its eviction. */
export class Place<R> {
  readonly issuer: string
  standing: Standing
  /** `undefined` until the function has answered. */
  realm: R | undefined
  question: Question | undefined
  /** How the question ends, for requests that may await another's promise. */
  outcome: Promise<Outcome> | undefined
  /** Set once it is no longer a place: how its question ended, or `keys_unavailable` after an eviction. */
  end: Exclude<Outcome, 'loaded'> | undefined
  /** The bucket whose token paid for the question; it gets it back once a token of the realm has verified. */
  paidBy: TokenBucket | undefined
  /** When a token of the realm was last found to be genuine; before the first, when it got its place. */
  usedAtMs: number
  /** Whether it is evicted once the requests in it have left, unless one of their tokens verifies. */
  isRetiring = false
  #running = 0
  #enteredAtMs = -Infinity

  constructor(issuer: string, standing: Exclude<Standing, 'verified'>, nowMs: number) {
    this.issuer = issuer
    this.standing = standing
    this.usedAtMs = nowMs
  }

  /** Marks the start of a request that waits for the realm; `leave` of `Places` must follow. False: it must not wait. */
  enter(nowMs: number): boolean {
    if (this.end !== undefined || this.isFull) return false
    this.#running += 1
    this.#enteredAtMs = nowMs
    return true
  }

  leave(): void {
    this.#running -= 1
  }

  /** Whether no further request may wait here. */
  get isFull(): boolean {
    return this.standing !== 'verified' && (this.isRetiring || this.#running >= MAX_WAITING)
  }

  /** Whether requests wait for the realm. */
  isBusyAt(nowMs: number): boolean {
    return this.#running > 0 && Math.abs(nowMs - this.#enteredAtMs) < LOST_MS
  }
}
