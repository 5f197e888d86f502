import { PortcullisError } from '../../errors.ts'
import { within } from '../../timing/deadline.ts'
import { TokenBucket } from '../../timing/token-bucket.ts'
import { NegativeAnswers } from './negative-answers.ts'
import type { Outcome, Place, Question, Standing } from './place.ts'
import { Places } from './places.ts'

/** How often the function is called for issuers of which no token has verified: anybody can make them up. */
const UNKNOWN = { size: 1, refillMs: 1000 }
/** The same for evicted realms of which one had: their issuers are known, so forged tokens can name them. */
const RETURNING = { size: 10, refillMs: 100 }
/** How long a request waits for a call, and for its answer. */
const WAIT_MS = 1000
const CALL_MS = 1000
/** How often a request checks for a token of the bucket, and, where it may not await another's promise, for its answer. */
const POLL_MS = 20
/** After this a question is taken for lost: in workerd its request may have been cancelled. */
const LOST_MS = WAIT_MS + CALL_MS + 500

/** What the owner of a loader does. */
export interface LoaderHost<R> {
  /** Calls the function. */
  ask(issuer: string): unknown
  /** Opens the realm that was answered. Throws for an answer that is no realm of this issuer. */
  open(place: Place<R>, answer: object): R
  /** A realm was evicted. */
  close(place: Place<R>, realm: R): void
  /** Whether a token of the issuer's realm had verified before it was evicted. */
  isReturning(issuer: string): boolean
  /** The function does not know the issuer. */
  unknown(issuer: string): void
  /** The function failed, or its answer was refused. */
  report(error: PortcullisError): void
  /** Whether a request may await a promise of another one. */
  readonly shareFlights: boolean
}

/** Loads realms by a function of the issuer: one call at a time for each, and few for issuers that nobody knows. */
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

  /** Why a request of this issuer must not wait; `undefined`: `load` may succeed. */
  refusal(issuer: string, nowMs: number): Exclude<Outcome, 'loaded'> | undefined {
    if (this.#negatives.has(issuer, nowMs)) return 'wrong_issuer'
    return this.places.get(issuer, nowMs)?.isFull ? 'keys_unavailable' : undefined
  }

  /** The issuer's realm in its place, entered for this request: `places.leave` must follow. */
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

  /** A token of the realm has verified. */
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
    return (place.outcome ??= this.#question(place))
  }

  /** Watches another request's question by its effect alone, with timers of its own. */
  async #poll(place: Place<R>): Promise<Outcome> {
    while (place.question !== undefined && Date.now() - place.question.startedAtMs < LOST_MS) {
      await sleep(POLL_MS)
      if (place.end !== undefined) return place.end
      if (place.realm !== undefined) return 'loaded'
    }
    return this.#question(place)
  }

  async #question(place: Place<R>): Promise<Outcome> {
    const question = { startedAtMs: Date.now() }
    place.question = question
    const outcome = await this.#ask(place, question)
    // Another request may have asked again meanwhile.
    if (place.question !== question) return place.end ?? (place.realm === undefined ? outcome : 'loaded')
    place.question = undefined
    if (outcome !== 'loaded') this.places.remove(place, outcome)
    return outcome
  }

  async #ask(place: Place<R>, question: Question): Promise<Outcome> {
    const bucket = this.#buckets[place.standing === 'returning' ? 'returning' : 'unknown']
    const isCurrent = () => !this.#isClosed && place.question === question && place.end === undefined
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

/** A pause that, unlike one in the background, keeps a process alive: a request waits for it. */
function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Waits for a token of the bucket, for as long as a request waits for a call. */
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

/** The function's answer. Rejects with `realms_failed`. */
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
      throw failed('threw', 'threw: answer undefined for issuers that are not known; error.cause has the error', cause)
    case 'late':
      throw failed('timed_out', `did not answer within ${CALL_MS} ms: keep what it reads near`)
  }
}

/** The error for an answer that is no realm of the issuer that was asked for. */
function refusedAnswer(cause: unknown): PortcullisError {
  if (cause instanceof PortcullisError && cause.code === 'realms_failed') return cause
  const message = cause instanceof PortcullisError ? cause.message : 'see the cause'
  return failed('bad_options', `answered options that cannot be used: ${message}`, cause)
}

export function failed(detail: string, what: string, cause?: unknown): PortcullisError {
  return new PortcullisError('realms_failed', `options.realms ${what}`, { detail, cause })
}
