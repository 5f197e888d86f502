import { PortcullisError } from '../../errors.ts'
import { within } from '../../timing/deadline.ts'
import { TokenBucket } from '../../timing/token-bucket.ts'
import { NegativeAnswers } from './negative-answers.ts'
import type { Outcome, Place, Call, Standing } from './place.ts'
import { Places } from './places.ts'

/** Rate of calls of the function for issuers without a verified token, which any sender can invent. */
const UNKNOWN = { size: 1, refillMs: 1000 }
/** The same for evicted realms that had a verified token. Forged tokens can also name their issuers. */
const RETURNING = { size: 10, refillMs: 100 }
/** Maximum wait of a request until the call may start, and then again for its result. */
const WAIT_MS = 1000
const CALL_MS = 1000
/** Interval at which a request looks for a token of the bucket, or for the result of a call that it may not await. */
const POLL_MS = 20
/** Time after which a call counts as lost: workerd may have cancelled its request. */
const LOST_MS = WAIT_MS + CALL_MS + 500

/** The members of its owner that a loader uses. */
interface LoaderHost<R> {
  /** Calls the function. */
  ask(issuer: string): unknown
  /** Opens the realm that the function returned. Throws if it is not a realm of this issuer. */
  open(place: Place<R>, answer: object): R
  /** Closes an evicted realm. */
  close(place: Place<R>, realm: R): void
  /** Whether a token of the issuer's realm had verified before it was evicted. */
  isReturning(issuer: string): boolean
  /** Records that the function does not know the issuer. */
  unknown(issuer: string): void
  /** Reports that the function failed or that its result was refused. */
  report(error: PortcullisError): void
  /** Whether a request may await a promise of another one. */
  readonly shareFlights: boolean
}

/**
 * Loads realms by a function of the issuer: one call at a time for each issuer, and a bounded rate for those without a
 * verified token.
 */
export class RealmLoader<R> {
  readonly places: Places<R>
  readonly #host: LoaderHost<R>
  readonly #negatives = new NegativeAnswers()
  readonly #buckets: Readonly<Record<Exclude<Standing, 'verified'>, TokenBucket>> = {
    unknown: new TokenBucket(UNKNOWN),
    returning: new TokenBucket(RETURNING),
  }
  #isClosed = false

  constructor(host: LoaderHost<R>) {
    this.#host = host
    this.places = new Places((place) => {
      if (place.realm !== undefined) this.#host.close(place, place.realm)
    })
  }

  /**
   * Returns why a request with a token of this issuer is refused immediately, or `undefined` if `load` must be called.
   */
  refusal(issuer: string, nowMs: number): Exclude<Outcome, 'loaded'> | undefined {
    if (this.#negatives.has(issuer, nowMs)) return 'wrong_issuer'
    return this.places.get(issuer, nowMs)?.isFull ? 'keys_unavailable' : undefined
  }

  /** Returns the issuer's realm in its place, entered for this request: `places.leave` must follow. */
  async load(issuer: string): Promise<Place<R> | Exclude<Outcome, 'loaded'>> {
    const nowMs = Date.now()
    const standing = this.#host.isReturning(issuer) ? 'returning' : 'unknown'
    const place = this.places.get(issuer, nowMs) ?? this.places.reserve(issuer, standing, nowMs)
    if (place === undefined || !place.enter(nowMs)) return 'keys_unavailable'
    const outcome = await this.#answered(place)
    if (outcome === 'loaded') return place
    this.places.leave(place, Date.now())
    return outcome
  }

  /** Records that a token of the realm has verified. */
  verified(place: Place<R>, nowMs: number): void {
    this.places.verify(place, nowMs)
    place.paidBy?.giveBack(nowMs)
    place.paidBy = undefined
  }

  close(): void {
    this.#isClosed = true
    for (const place of [...this.places]) this.places.remove(place, 'keys_unavailable')
  }

  #answered(place: Place<R>): Promise<Outcome> | Outcome {
    if (place.realm !== undefined) return 'loaded'
    if (!this.#host.shareFlights) return this.#poll(place)
    return (place.outcome ??= this.#begin(place))
  }

  /** Waits for another request's call by polling, because workerd forbids awaiting another request's promise. */
  async #poll(place: Place<R>): Promise<Outcome> {
    while (place.call !== undefined && Date.now() - place.call.startedAtMs < LOST_MS) {
      await sleep(POLL_MS)
      if (place.end !== undefined) return place.end
      if (place.realm !== undefined) return 'loaded'
    }
    return this.#begin(place)
  }

  async #begin(place: Place<R>): Promise<Outcome> {
    const call = { startedAtMs: Date.now() }
    place.call = call
    const outcome = await this.#ask(place, call)
    // Another request may have started a new call meanwhile.
    if (place.call !== call) return place.end ?? (place.realm === undefined ? outcome : 'loaded')
    place.call = undefined
    if (outcome !== 'loaded') this.places.remove(place, outcome)
    return outcome
  }

  async #ask(place: Place<R>, call: Call): Promise<Outcome> {
    const bucket = this.#buckets[place.standing === 'returning' ? 'returning' : 'unknown']
    const isCurrent = () => !this.#isClosed && place.call === call && place.end === undefined
    if (!(await taken(bucket, isCurrent))) return 'keys_unavailable'
    place.paidBy = bucket
    let answer: unknown
    try {
      answer = await answered(() => this.#host.ask(place.issuer))
    } catch (error) {
      this.#host.report(error as PortcullisError)
      return 'keys_unavailable'
    }
    if (!isCurrent()) return 'keys_unavailable'
    return this.#open(place, answer)
  }

  #open(place: Place<R>, answer: unknown): Outcome {
    try {
      if (answer !== undefined && answer !== null) {
        place.realm = this.#host.open(place, answer)
        return 'loaded'
      }
      this.#host.unknown(place.issuer)
    } catch (error) {
      if (error instanceof PortcullisError && error.code === 'fault') return 'keys_unavailable'
      this.#host.report(refusedAnswer(error))
    }
    this.#negatives.add(place.issuer, Date.now())
    return 'wrong_issuer'
  }
}

/** Pauses with a timer that keeps the process alive, because a request waits for it. */
function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Takes a token of the bucket, waiting up to `WAIT_MS`. */
async function taken(bucket: TokenBucket, isCurrent: () => boolean): Promise<boolean> {
  const endMs = Date.now() + WAIT_MS
  while (isCurrent()) {
    const nowMs = Date.now()
    if (bucket.take(nowMs)) return true
    if (nowMs >= endMs) return false
    await sleep(Math.min(POLL_MS, endMs - nowMs))
  }
  return false
}

/** Returns the result of the function. Rejects with `realms_failed`. */
async function answered(ask: () => unknown): Promise<unknown> {
  let answer: unknown
  let cause: unknown
  const settled = Promise.resolve()
    .then(ask)
    .then(
      (value) => {
        answer = value
      },
      (error: unknown) => {
        cause = error
        throw error
      },
    )
  switch (await within(settled, CALL_MS)) {
    case 'done':
      return answer
    case 'failed':
      throw failed('threw', 'threw: return undefined for unknown issuers; see error.cause', cause)
    case 'late':
      throw failed('timed_out', `did not settle within ${CALL_MS} ms: cache what it reads`)
  }
}

/** Returns the error for a result that is not a realm of the issuer. */
function refusedAnswer(cause: unknown): PortcullisError {
  if (cause instanceof PortcullisError && cause.code === 'realms_failed') return cause
  const message = cause instanceof PortcullisError ? cause.message : 'see error.cause'
  return failed('bad_options', `returned invalid options: ${message}`, cause)
}

export function failed(detail: string, what: string, cause?: unknown): PortcullisError {
  return new PortcullisError('realms_failed', `options.realms ${what}`, { detail, cause })
}
