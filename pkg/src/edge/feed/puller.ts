import { PortcullisError } from '../../errors.ts'
import { download } from '../../http/download.ts'
import type { Exchanged } from '../../http/exchange.ts'
import { backoffMs } from '../../timing/backoff.ts'
import type { NowMs } from '../../timing/clock.ts'
import { type WaitOutcome, within } from '../../timing/deadline.ts'
import { SingleFlight } from '../../timing/single-flight.ts'
import type { WaitUntil } from '../../types.ts'
import type { Applied } from '../core/state.ts'
import { digestBy } from './digest.ts'
import {
  credentialHeaders,
  type FeedPath,
  feedUrl,
  isHealedByManifest,
  isInOlderForm,
  MAX_MESSAGE_BYTES,
  MAX_SECTION_BYTES,
} from './protocol.ts'
import { type SectionDemand, SectionQueue } from './section-queue.ts'
import type { FeedSubscriber } from './subscriber.ts'

/** Number of sections fetched in parallel; workerd allows six connections per request. */
const PARALLEL_SECTIONS = 4
/** Maximum time for one refresh, including sections. */
const REFRESH_TIMEOUT_MS = 15_000
/** A refresh that takes longer than this ends with a delta. */
const SLOW_MS = 1000
/** Pauses after failures before requests that do not wait may start a refresh. */
const BACKOFF = { firstMs: 500, longestMs: 15_000 }
/** Pause after a failure before requests that wait may start a refresh. */
const WAITING_BACKOFF_MS = 250
/**
 * Minimum interval between pulls caused by pushes without the secret. Requests to the gate may cause pulls equally
 * often.
 */
const HINT_EVERY_MS = 1000
/**
 * Minimum interval of manifest fetches that are only due to many changes since the last one, or to a state in an older
 * form.
 */
const MANIFEST_EVERY_MS = 10_000

/**
 * Pulls a realm's feed: deltas if something is loaded, else the manifest and the sections it names, starting with those
 * that a waiting token needs.
 */
export class FeedPuller {
  readonly #subscriber: FeedSubscriber
  readonly #onRefreshed: (startedAtMs: number) => void
  readonly #refreshes: SingleFlight
  readonly #queue = new SectionQueue()
  readonly #digest: ReturnType<typeof digestBy>
  readonly #nowMs: NowMs
  #failures = 0
  #failedAtMs = -Infinity
  #manifestAtMs = -Infinity
  #newFormAtMs = -Infinity
  #hintedAtMs = -Infinity
  #closed = false

  /** `onRefreshed` is called after each successful refresh with its start time. */
  constructor(subscriber: FeedSubscriber, onRefreshed: (startedAtMs: number) => void) {
    this.#subscriber = subscriber
    this.#onRefreshed = onRefreshed
    this.#digest = digestBy(subscriber.runtime)
    this.#nowMs = subscriber.runtime.nowMs
    this.#refreshes = new SingleFlight((signal, progressed) => this.#pull(signal, progressed), {
      shareFlights: subscriber.runtime.shareFlights,
      timeoutMs: REFRESH_TIMEOUT_MS,
    })
  }

  get isRefreshing(): boolean {
    return this.#refreshes.isRunning
  }

  /** Starts a refresh for requests that do not wait. */
  refreshInBackground(waitUntil?: WaitUntil): void {
    if (this.#nowMs() - this.#failedAtMs < backoffMs(BACKOFF, this.#failures)) return
    const refresh = this.#refreshes.startUnlessRunning()
    if (refresh !== undefined) this.#acknowledgeAfter(refresh, waitUntil)
  }

  /** Refreshes after a push from the origin: earlier failures no longer count, and missing changes are fetched. */
  refreshAfterPush(waitUntil?: WaitUntil): void {
    this.#failures = 0
    this.#failedAtMs = -Infinity
    this.refreshInBackground(waitUntil)
  }

  /**
   * Refreshes after a hint from a sender without the secret; at most one hint a second causes a refresh. Only a signed
   * message shows that the origin works.
   */
  refreshAfterHint(hint: 'signed' | 'unsigned', waitUntil?: WaitUntil): void {
    const sinceMs = this.#nowMs() - this.#hintedAtMs
    if (sinceMs >= 0 && sinceMs < HINT_EVERY_MS) return
    this.#hintedAtMs = this.#nowMs()
    if (hint === 'signed') this.refreshAfterPush(waitUntil)
    else this.refreshInBackground(waitUntil)
  }

  /**
   * Waits for a refresh, at most `ms` and no longer than needed to meet the `demand`; the refresh continues in the
   * background. Never rejects.
   */
  async wait(ms: number, waitUntil?: WaitUntil, demand?: SectionDemand): Promise<void> {
    if (!this.isRefreshing && this.#nowMs() - this.#failedAtMs < WAITING_BACKOFF_MS) return
    if (demand !== undefined) this.#queue.add(demand)
    const { whole, enough } = this.#refreshes.joinUntil(() => demand?.isMet === true)
    this.#acknowledgeAfter(whole, waitUntil)
    await within(enough, ms)
    if (demand !== undefined) this.#queue.delete(demand)
  }

  /**
   * Like `wait`, but waits for a refresh that starts after this call, for requests that need the origin's current
   * state.
   */
  async catchUp(ms: number, waitUntil?: WaitUntil): Promise<WaitOutcome> {
    const refresh = this.#refreshes.joinNext()
    this.#acknowledgeAfter(refresh, waitUntil)
    return within(refresh, ms)
  }

  /** Refreshes the feed by a refresh that starts after this call. Rejects with `feed_unreachable` or `feed_refused`. */
  async refresh(): Promise<void> {
    await this.#refreshes.joinNext()
    void this.#subscriber.acknowledge()
  }

  close(): void {
    this.#closed = true
    this.#refreshes.stop()
  }

  #acknowledgeAfter(refresh: Promise<void>, waitUntil: WaitUntil | undefined): void {
    const whole = refresh.then(() => this.#subscriber.acknowledge()).catch(() => undefined)
    waitUntil?.(whole)
  }

  async #pull(signal: AbortSignal, progressed: () => void): Promise<void> {
    const startedAtMs = this.#nowMs()
    try {
      const { loaded, wantsManifest } = this.#subscriber.state
      if (!loaded || (wantsManifest && this.#nowMs() - this.#manifestAtMs > MANIFEST_EVERY_MS))
        await this.#manifest(signal)
      else await this.#delta(signal)
      if (this.#isNewFormDue()) await this.#manifest(signal)
      this.#queue.update()
      progressed()
      await this.#sections(signal, progressed)
      // Sections may take long; a delta fetches the changes recorded meanwhile.
      if (this.#nowMs() - startedAtMs > SLOW_MS) await this.#delta(signal)
      this.#failures = 0
      this.#failedAtMs = -Infinity
      this.#onRefreshed(startedAtMs)
    } catch (error) {
      if (this.#closed) throw new PortcullisError('closed', 'the gate was closed', { cause: error })
      this.#failures += 1
      this.#failedAtMs = this.#nowMs()
      this.#subscriber.report(error)
      throw error
    }
  }

  /**
   * Returns whether to fetch the state in this gate's form, and records that. The interval matters if a cache ignores
   * queries.
   */
  #isNewFormDue(): boolean {
    if (!isInOlderForm(this.#subscriber.state) || this.#nowMs() - this.#newFormAtMs < MANIFEST_EVERY_MS) return false
    this.#newFormAtMs = this.#nowMs()
    return true
  }

  async #delta(signal: AbortSignal): Promise<void> {
    const { status, bytes } = await this.#get(
      'deltas',
      { after: String(this.#subscriber.state.sequence) },
      MAX_MESSAGE_BYTES,
      signal,
    )
    if (status === 410 || status === 404) return this.#manifest(signal)
    if (status === 409) {
      const { host } = this.#subscriber.settings.url
      throw new PortcullisError(
        'feed_refused',
        `${host} is behind this gate: it has lost part of its ledger and needs a new incarnation`,
        { detail: 'ahead' },
      )
    }
    if (status !== 200) throw this.#unexpected(status, 'deltas')
    try {
      // Many changes take several deltas; each advances the state, so this terminates.
      if (this.#apply(bytes) === 'partial') return await this.#delta(signal)
    } catch (error) {
      if (!isHealedByManifest(error)) throw error
      if (error.detail === 'equivocation') this.#subscriber.report(error)
      await this.#manifest(signal)
    }
  }

  async #manifest(signal: AbortSignal): Promise<void> {
    const { status, bytes } = await this.#get('manifest', {}, MAX_MESSAGE_BYTES, signal)
    if (status !== 200) throw this.#unexpected(status, 'the manifest')
    this.#apply(bytes)
    this.#manifestAtMs = this.#nowMs()
  }

  /** Fetches the missing sections that the manifest names. */
  async #sections(signal: AbortSignal, progressed: () => void): Promise<void> {
    if (this.#subscriber.missingSections().length === 0) return
    if ((await this.#fetchMissing(signal, progressed)) === 'superseded') {
      await this.#manifest(signal)
      this.#queue.update()
      await this.#fetchMissing(signal, progressed)
    }
    if (this.#subscriber.missingSections().length > 0) {
      throw new PortcullisError(
        'feed_refused',
        'sections that the manifest names are missing: is a cache, or are several origins, behind feed.url?',
        { detail: 'sections_missing' },
      )
    }
  }

  /**
   * Fetches missing sections. Returns `superseded` if the origin no longer has one of them, so a newer manifest must
   * exist.
   */
  async #fetchMissing(signal: AbortSignal, progressed: () => void): Promise<'tried' | 'superseded'> {
    const left = new Set(this.#subscriber.missingSections())
    let outcome: 'tried' | 'superseded' = 'tried'
    const fetchOneByOne = async (): Promise<void> => {
      for (let name = this.#queue.next(left); name !== undefined; name = this.#queue.next(left)) {
        const { status, bytes } = await this.#get(`sections/${name}`, {}, MAX_SECTION_BYTES, signal)
        if (status === 200) {
          await this.#provide(name, bytes)
          progressed()
        } else if (status === 404 || status === 410) outcome = 'superseded'
        else throw this.#unexpected(status, 'a section')
      }
    }
    await Promise.all(Array.from({ length: PARALLEL_SECTIONS }, fetchOneByOne))
    return outcome
  }

  async #provide(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const sha256 = await this.#digest(bytes)
    this.#mustBeOpen()
    try {
      this.#subscriber.provideSection(bytes, sha256)
      this.#queue.remove(name)
    } catch (error) {
      // Another refresh or a newer manifest may have made it unneeded; if it is still missing, `#sections` throws.
      if (!(error instanceof PortcullisError) || error.detail !== 'unknown_section') throw error
    }
  }

  /**
   * Fetches a resource with the realm's credential. Rejects with `feed_unreachable`, or `feed_refused` for an HTML
   * page.
   */
  async #get(path: FeedPath, query: Record<string, string>, maxBytes: number, signal: AbortSignal): Promise<Exchanged> {
    const { settings, runtime } = this.#subscriber
    const url = feedUrl(settings, path, query)
    const headers = credentialHeaders(settings)
    const response = await download(url, {
      fetch: runtime.fetch,
      errorCode: 'feed_unreachable',
      maxBytes,
      signal,
      headers,
    })
    // Detects a sign-in page, a proxy's error page or a wrong path: the error is clearer than "unknown format".
    if (response.status === 200 && /^(?:text\/|application\/json)/i.test(response.headers.get('content-type') ?? '')) {
      throw new PortcullisError(
        'feed_refused',
        `${url.host} sent a page or text instead of a feed: check feed.url, and that it does not require a sign-in`,
        { detail: 'not_a_feed' },
      )
    }
    return response
  }

  #apply(bytes: Uint8Array): Applied['effect'] {
    this.#mustBeOpen()
    return this.#subscriber.apply(bytes).effect
  }

  /** Throws if the core may have been freed, which is possible after an await. */
  #mustBeOpen(): void {
    if (this.#closed) throw new PortcullisError('closed', 'the gate was closed')
  }

  #unexpected(status: number, resource: string): PortcullisError {
    const { host } = this.#subscriber.settings.url
    return new PortcullisError(
      'feed_unreachable',
      `${host} responded with ${status} for ${resource}: ${advice(status)}`,
      {
        detail: 'status',
      },
    )
  }
}

function advice(status: number): string {
  if (status === 401 || status === 403) return "feed.credential must be the origin's feedCredential"
  if (status === 429)
    return "too many gates send requests from this address: see the origin's maxWaitingPerAddress and trustedProxies"
  return status < 500 ? 'check feed.url' : "check the origin's log"
}
