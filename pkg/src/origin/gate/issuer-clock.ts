import { PortcullisError } from '../../errors.ts'
import { isLoopback } from '../../http/loopback.ts'
import type { EventTime, TimeTaken } from '../core/ledger.ts'
import type { OriginReport } from '../api.ts'

/**
 * A time further ahead is not a clock difference but a mistake or a postdated token; nothing is learnt from it. Same as
 * in the core.
 */
const MAX_LEAD_SECONDS = 3_600
/**
 * How long a lead that a token or an event has shown counts without being shown again: a day. An outdated lead costs a
 * login right after a logout at most `skewSeconds` of waiting; one forgotten too early keeps revoked tokens valid.
 */
const SHOWN_LEAD_MS = 86_400_000
/** How long after the last event with such a time its report ends: ten minutes, so that many events make one report. */
const EVENT_REPORT_MS = 600_000

/**
 * The conditions to report: the issuer is ahead, or by more than the ledger allows for; or the core's finding on an
 * event's time.
 */
type Finding = 'issuer_ahead' | 'issuer_beyond_skew' | TimeTaken

interface IssuerClockOptions {
  realm: string
  /** The lead that the ledger allows for in any case; a greater one is reported. */
  issuerSkewSeconds: number
  /** The largest lead for which the ledger allows. */
  skewSeconds: number
  onReport: (report: OriginReport) => void
  /** Unix milliseconds; for tests. Default: the host's clock. */
  nowMs?: () => number
}

/**
 * Measures how far a realm's issuer is ahead of our clock. It learns only from times that the issuer vouches for: the
 * `Date` of its key set over TLS or from this machine, the `iat` of tokens with a good signature, and the times of
 * authenticated events.
 *
 * A `Date` bounds the lead from both sides, and each replaces the previous one. A token or event may be old, so it
 * shows only that the issuer is ahead by at least that much. The greatest such lead counts until it has not been shown
 * again for a day, or until a `Date` that had shown as much decreases, as after the issuer's clock was corrected.
 */
export class IssuerClock {
  readonly #options: IssuerClockOptions
  readonly #nowMs: () => number
  /** The minimum and maximum lead that the newest `Date` allows; both 0 if it proves none. */
  #dated = { least: 0, greatest: 0 }
  /** The lead shown by tokens and events. */
  #shown = { seconds: 0, atMs: 0 }
  /** Open reports, with the time when each cause was last seen. */
  readonly #reported = new Map<Finding, number>()

  constructor(options: IssuerClockOptions) {
    this.#options = options
    this.#nowMs = options.nowMs ?? Date.now
  }

  /** The measured lead, in whole seconds, rounded up; 0 if the issuer is not known to be ahead. */
  get leadSeconds(): number {
    return Math.max(this.#dated.greatest, this.#shownSeconds)
  }

  /** How far ahead the issuer may be, as the ledger allows for it in events without a time of their own. */
  get reachSeconds(): number {
    const { issuerSkewSeconds, skewSeconds } = this.#options
    return Math.max(issuerSkewSeconds, Math.min(this.leadSeconds, skewSeconds))
  }

  get #shownSeconds(): number {
    return this.#nowMs() - this.#shown.atMs < SHOWN_LEAD_MS ? this.#shown.seconds : 0
  }

  /** Wraps `fetch` to measure by the `Date` of authentic responses. */
  timing(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
    return async (input, init) => {
      const sentAtMs = this.#nowMs()
      const response = await fetch(input, init)
      if (isAuthentic(input)) this.#learnFromDate(response.headers, sentAtMs, this.#nowMs())
      return response
    }
  }

  /**
   * Measures by the `iat` of a token with a good signature, or by the time of an authenticated event, in unix seconds.
   */
  learn(seconds: number): void {
    const nowMs = this.#nowMs()
    const ahead = Math.floor(seconds) - Math.floor(nowMs / 1000)
    if (ahead > 0 && ahead <= MAX_LEAD_SECONDS) this.#show(ahead, nowMs)
  }

  /** Learns from the core's finding on the time of a recorded event. */
  took({ taken, aheadBySeconds }: EventTime): void {
    this.#begin(taken, aheadBySeconds)
    if (taken === 'source_ahead') this.#show(aheadBySeconds, this.#nowMs())
  }

  /** Reports findings that have ended. Called at intervals. */
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

  /** Learns a lead; one at least as great as the known lead confirms it. */
  #show(seconds: number, nowMs: number): void {
    const isKnown = nowMs - this.#shown.atMs < SHOWN_LEAD_MS
    if (!isKnown || seconds >= this.#shown.seconds) this.#shown = { seconds, atMs: nowMs }
    this.#judge()
  }

  /**
   * Learns from `Date`, which has whole seconds (RFC 9110 §5.6.7): the issuer's clock showed less than one second more,
   * at some time between request and response. The issuer counts as ahead once that is proven; then the greatest
   * possible lead is assumed. Without proof it is ahead by less than a second plus the round trip, for which
   * `issuerSkewSeconds` allows.
   */
  #learnFromDate(headers: Headers, sentAtMs: number, receivedAtMs: number): void {
    const dateMs = Date.parse(headers.get('date') ?? '')
    if (Number.isNaN(dateMs)) return
    const least = (dateMs - receivedAtMs) / 1000
    const greatest = (dateMs + 1000 - sentAtMs) / 1000
    if (least > MAX_LEAD_SECONDS) return
    // A cache forwards the `Date` of stored responses (RFC 9111 §4): the issuer's clock has advanced since.
    if ((headers.get('age') ?? '0').trim() !== '0') {
      if (least > 0) this.#show(Math.ceil(least), receivedAtMs)
      return
    }
    const before = this.#dated.greatest
    this.#dated = least > 0 ? { least, greatest: Math.ceil(greatest) } : { least: 0, greatest: 0 }
    // The earlier `Date` agreed with the lead shown by tokens, so it is the issuer's own clock, which has now been
    // corrected.
    if (this.#dated.greatest < before && this.#shown.seconds <= before) this.#shown = { seconds: 0, atMs: 0 }
    this.#judge()
  }

  /** Starts a report for a proven lead, and ends it only for a disproven one: a `Date` is exact only to a second. */
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

/** Whether the request uses TLS or stays on this machine: other responses may have been altered in transit. */
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
      return `realm ${realm}: an event's own time is ${by}: it is recorded unchanged, but check NTP on both`
    case 'source_replaced':
      return `realm ${realm}: an event's own time is ${by}, too much for a clock difference: its time of arrival is recorded instead`
    case 'caller_replaced':
      return `realm ${realm}: a requested not-before is ${by}: now is recorded instead (notBefore is in seconds)`
  }
}
