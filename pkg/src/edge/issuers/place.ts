import type { TokenBucket } from '../../timing/token-bucket.ts'

/** Maximum number of requests that wait for an issuer without a verified token. */
const MAX_WAITING = 64
/** Time after which the requests in a place count as lost: a request that workerd cancels never calls `leave`. */
const LOST_MS = 10_000

/** Whether a token of the realm has verified: never, only before its eviction, or since it was loaded. */
export type Standing = 'unknown' | 'returning' | 'verified'

/** The outcome of the call for an issuer's realm. */
export type Outcome = 'loaded' | 'wrong_issuer' | 'keys_unavailable'

/** A running call. */
export interface Call {
  readonly startedAtMs: number
}

/** The place of one issuer at a gate whose realms are a function: from the call for its realm to its eviction. */
export class Place<R> {
  readonly issuer: string
  standing: Standing
  /** `undefined` until the function has returned it. */
  realm: R | undefined
  call: Call | undefined
  /** The outcome of the call, for requests that may await another's promise. */
  outcome: Promise<Outcome> | undefined
  /** Set when the place is removed: the outcome of its call, or `keys_unavailable` after an eviction. */
  end: Exclude<Outcome, 'loaded'> | undefined
  /** The bucket that the call took a token from; the token is given back once a JWT of the realm has verified. */
  paidBy: TokenBucket | undefined
  /** When a token of the realm last verified; before that, when the place was created. */
  usedAtMs: number
  /** Whether the place is removed once no request waits in it, unless one of the waiting tokens verifies. */
  isRetiring = false
  #running = 0
  #enteredAtMs = -Infinity

  constructor(issuer: string, standing: Exclude<Standing, 'verified'>, nowMs: number) {
    this.issuer = issuer
    this.standing = standing
    this.usedAtMs = nowMs
  }

  /**
   * Registers a request that waits for the realm; `leave` of `Places` must follow. Returns false if it must not wait.
   */
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
