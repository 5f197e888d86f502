import { PortcullisError } from '../../errors.ts'
import { isLoopback } from '../../http/loopback.ts'
import type { EventTime, TimeTaken } from '../core/ledger.ts'
import type { OriginReport } from '../api.ts'

/**
 * A time further ahead is not a clock's but a mistake, or a token dated forward; nothing is learnt from it. As in the
 * core.
 */
const MAX_LEAD_SECONDS = 3_600
/**
 * How long a lead that a token or an event has shown counts without being shown again: a day. One that is gone costs a
 * login right after a logout `skewSeconds` of waiting at the most; one forgotten too early lets revoked tokens live.
 */
const SHOWN_LEAD_MS = 86_400_000
/**
 * How long after the last event with such a time the report of it is over: ten minutes, so that many make one report.
 */
const EVENT_REPORT_MS = 600_000

/**
 * The reports: the issuer is ahead, or by more than the ledger allows for; or the core's finding on an event's time.
 */
type Finding = 'issuer_ahead' | 'issuer_beyond_skew' | TimeTaken

export interface IssuerClockOptions {
  realm: string
  /** The lead that the ledger allows for anyway; a greater one is reported. */
  issuerSkewSeconds: number
  /** The largest lead that the ledger counts. */
  skewSeconds: number
  onReport: (report: OriginReport) => void
  /** Unix milliseconds; for tests. Default: the host's. */
  nowMs?: () => number
}

/**
 * How far a realm's issuer is ahead of us. Learnt from nothing but times that the issuer vouches for: the `Date` of its
 * key set over TLS or from this machine, the `iat` of tokens whose signature is good, and the times of authenticated
 * events.
 *
 * A `Date` bounds the lead from both sides, and each replaces the one before. A token or event may be old, so it only
 * shows that the issuer is ahead by that much at least: the greatest counts, until it has not been shown again for a
 * day, or until a `Date` that had shown as much comes down, as after the issuer's clock was corrected.
 */
export class IssuerClock {
  readonly #options: IssuerClockOptions
  readonly #nowMs: () => number
  /** By the newest `Date`: the least and the greatest lead that it allows; both 0 when it does not prove one. */
  #dated = { least: 0, greatest: 0 }
  /** By tokens and events. */
  #shown = { seconds: 0, atMs: 0 }
  /** Open reports, and when each cause was last seen. */
  readonly #reported = new Map<Finding, number>()

  constructor(options: IssuerClockOptions) {
    this.#options = options
    this.#nowMs = options.nowMs ?? Date.now
  }

  /** The lead measured, in whole seconds, rounded up; 0 when the issuer is not ahead as far as is known. */
  get leadSeconds(): number {
    return Math.max(this.#dated.greatest, this.#shownSeconds)
  }

  /** How far ahead of us the issuer may be, as the ledger counts it for an event without a time of its own. */
  get reachSeconds(): number {
    const { issuerSkewSeconds, skewSeconds } = this.#options
    return Math.max(issuerSkewSeconds, Math.min(this.leadSeconds, skewSeconds))
  }

  get #shownSeconds(): number {
    return this.#nowMs() - this.#shown.atMs < SHOWN_LEAD_MS ? this.#shown.seconds : 0
  }

  /** A `fetch` that measures by the `Date` of authentic responses. */
  timing(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
    return async (input, init) => {
      const sentAtMs = this.#nowMs()
      const response = await fetch(input, init)
      if (isAuthentic(input)) this.#learnFromDate(response.headers, sentAtMs, this.#nowMs())
      return response
    }
  }

  /**
   * Measures by the `iat` of a token with a good signature, or from the time of an authenticated event, in unix
   * seconds.
   */
  learn(seconds: number): void {
    const nowMs = this.#nowMs()
    const ahead = Math.floor(seconds) - Math.floor(nowMs / 1000)
    if (ahead > 0 && ahead <= MAX_LEAD_SECONDS) this.#show(ahead, nowMs)
  }

  /** The core recorded an event and says this of the time that came with it. */
  took({ taken, aheadBySeconds }: EventTime): void {
    this.#begin(taken, aheadBySeconds)
    if (taken === 'source_ahead') this.#show(aheadBySeconds, this.#nowMs())
  }

  /** Reports findings that are over. Called at intervals. */
  tend(): void {
    for (const [finding, lastSeenMs] of this.#reported) {
      if (!this.#isOver(finding, lastSeenMs)) continue
      this.#reported.delete(finding)
      this.#options.onReport({ kind: 'clock', realm: this.#options.realm, error: undefined })
    }
  }

  #isOver(finding: Finding, lastSeenMs: number): boolean {
    switch (finding) {
      case 'issuer_ahead':
      case 'issuer_beyond_skew':
        return this.leadSeconds <= this.#allowed(finding)
      case 'source_ahead':
      case 'source_replaced':
      case 'caller_replaced':
        return Math.abs(this.#nowMs() - lastSeenMs) >= EVENT_REPORT_MS
    }
  }

  /** The greatest lead that is not reported. */
  #allowed(finding: 'issuer_ahead' | 'issuer_beyond_skew'): number {
    const { issuerSkewSeconds, skewSeconds } = this.#options
    return finding === 'issuer_ahead' ? issuerSkewSeconds : Math.max(issuerSkewSeconds, skewSeconds)
  }

  /** A lead as great as one known shows it again. */
  #show(seconds: number, nowMs: number): void {
    const isKnown = nowMs - this.#shown.atMs < SHOWN_LEAD_MS
    if (!isKnown || seconds >= this.#shown.seconds) this.#shown = { seconds, atMs: nowMs }
    this.#judge()
  }

  /**
   * `Date` has whole seconds (RFC 9110 §5.6.7): the issuer's clock showed less than one more, at some time between
   * request and response. The issuer counts as ahead once that proves it; then the greatest lead possible is taken.
   * Without proof it is ahead by less than a second and the round trip, for which `issuerSkewSeconds` allows.
   */
  #learnFromDate(headers: Headers, sentAtMs: number, receivedAtMs: number): void {
    const dateMs = Date.parse(headers.get('date') ?? '')
    if (Number.isNaN(dateMs)) return
    const least = (dateMs - receivedAtMs) / 1000
    const greatest = (dateMs + 1000 - sentAtMs) / 1000
    if (least > MAX_LEAD_SECONDS) return
    // A cache passes on the `Date` of stored responses (RFC 9111 §4): the issuer's clock has gone on since.
    if ((headers.get('age') ?? '0').trim() !== '0') {
      if (least > 0) this.#show(Math.ceil(least), receivedAtMs)
      return
    }
    const before = this.#dated.greatest
    this.#dated = least > 0 ? { least, greatest: Math.ceil(greatest) } : { least: 0, greatest: 0 }
    // It agreed with the lead that tokens had shown, so it is the issuer's own clock, and that was corrected.
    if (this.#dated.greatest < before && this.#shown.seconds <= before) this.#shown = { seconds: 0, atMs: 0 }
    this.#judge()
  }

  /** A proven lead begins a report, and only a disproved one ends it: a `Date` is exact to a second. */
  #judge(): void {
    const proven = Math.max(this.#dated.least, this.#shownSeconds)
    for (const finding of ['issuer_ahead', 'issuer_beyond_skew'] as const) {
      if (proven > this.#allowed(finding)) this.#begin(finding, this.leadSeconds)
    }
    this.tend()
  }

  #begin(finding: Finding, aheadBySeconds: number): void {
    const { realm, onReport } = this.#options
    const isNew = !this.#reported.has(finding)
    this.#reported.set(finding, this.#nowMs())
    if (isNew)
      onReport({
        kind: 'clock',
        realm,
        error: new PortcullisError('clock_differs', sentence(finding, aheadBySeconds, this.#options), {
          detail: finding,
        }),
      })
  }
}

/** TLS, or this machine: other responses may have been changed on the way. */
function isAuthentic(input: Parameters<typeof globalThis.fetch>[0]): boolean {
  const url = new URL(input instanceof Request ? input.url : input)
  return url.protocol === 'https:' || isLoopback(url)
}

function sentence(finding: Finding, aheadBySeconds: number, { realm }: IssuerClockOptions): string {
  const by = `${aheadBySeconds} s ahead of this machine`
  switch (finding) {
    case 'issuer_ahead':
      return `realm ${realm}: the issuer's clock is ${by}: logouts allow for up to skewSeconds of it, but check NTP on both`
    case 'issuer_beyond_skew':
      return `realm ${realm}: the issuer's clock is ${by}, more than skewSeconds: tokens may survive a logout until NTP is right on both`
    case 'source_ahead':
      return `realm ${realm}: an event's own time is ${by}: it is recorded as it is, but check NTP on both`
    case 'source_replaced':
      return `realm ${realm}: an event's own time is ${by}, which is not a clock: the time of its arrival is recorded instead`
    case 'caller_replaced':
      return `realm ${realm}: a not-before was asked for that is ${by}: now is recorded instead (notBefore is in seconds)`
  }
}
