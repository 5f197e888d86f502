import { within } from '../../timing/deadline.ts'
import { type Downloaded, download } from '../../http/download.ts'
import { PortcullisError } from '../../errors.ts'
import { SingleFlight } from '../../timing/single-flight.ts'
import type { WaitUntil } from '../../types.ts'
import type { CoreApplied } from '../core/core.ts'
import { digester } from './digest.ts'
import { type SectionDemand, SectionQueue } from './section-queue.ts'
import type { Realm } from '../realm.ts'

/** The largest manifest or delta read: 4 MiB, room for half a million revocations at once. */
export const MAX_MESSAGE_BYTES: number = 4 * 1024 * 1024
/** The largest section read. A worker has 128 MB in all. */
const MAX_SECTION_BYTES = 32 * 1024 * 1024
/** How many sections are fetched side by side; workerd allows six connections a request. */
const PARALLEL_SECTIONS = 4
/** How long one refresh may take, sections and all. */
const FLIGHT_TIMEOUT_MS = 15_000
/** A refresh that takes longer ends with a delta. */
const SLOW_MS = 1000
/** After a failure, requests that go on meanwhile leave the origin alone for so long, doubled with each further one. */
const FIRST_BACKOFF_MS = 500
const MAX_BACKOFF_MS = 15_000
/** After a failure, even requests that wait do so only after this pause. */
const WAITING_BACKOFF_MS = 250
/** How often pushes without a secret make a gate pull, at the most: as often as its requests do. */
const HINT_EVERY_MS = 1000
/** How often a manifest is asked for merely because the changes since the last have grown many. */
const MANIFEST_EVERY_MS = 10_000

/** Refusals of a delta that only a manifest can heal. */
export const HEALED_BY_MANIFEST: readonly (string | undefined)[] = [
  'gap', 'equivocation', 'unknown_generation', 'generation_conflict', 'too_many_generations',
  'too_many_changes',
]

/**
 * Pulls a realm's feed: deltas when something is loaded, else the manifest and the sections it names, first of all those that
 * a waiting token needs.
 */
export class Feed {
  readonly #realm: Realm
  readonly #flight: SingleFlight
  readonly #needs = new SectionQueue()
  readonly #digest = digester()
  #failures = 0
  #failedAtMs = -Infinity
  #manifestAtMs = -Infinity
  #hintedAtMs = -Infinity
  #closed = false

  constructor(realm: Realm) {
    this.#realm = realm
    this.#flight = new SingleFlight((signal, progressed) => this.#pull(signal, progressed), {
      shareFlights: realm.surroundings.shareFlights,
      timeoutMs: FLIGHT_TIMEOUT_MS,
    })
  }

  get underWay(): boolean {
    return this.#flight.underWay
  }

  /** For requests that go on meanwhile. */
  refreshBehind(waitUntil?: WaitUntil): void {
    const backoffMs = this.#failures === 0 ? 0 : Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (this.#failures - 1))
    if (Date.now() - this.#failedAtMs < backoffMs) return
    const flight = this.#flight.behind()
    if (flight !== undefined) this.#carryOn(flight, waitUntil)
  }

  /** The origin has just spoken to us: earlier failures no longer count, and what is missing is fetched. */
  refreshAfterPush(waitUntil?: WaitUntil): void {
    this.#failures = 0
    this.#failedAtMs = -Infinity
    this.refreshBehind(waitUntil)
  }

  /**
   * Somebody who showed no secret has said that there is news: once a second that is believed. Only a signed message says
   * that the origin is well.
   */
  refreshAfterHint(hint: 'signed' | 'unsigned', waitUntil?: WaitUntil): void {
    const sinceMs = Date.now() - this.#hintedAtMs
    if (sinceMs >= 0 && sinceMs < HINT_EVERY_MS) return
    this.#hintedAtMs = Date.now()
    if (hint === 'signed') this.refreshAfterPush(waitUntil)
    else this.refreshBehind(waitUntil)
  }

  /**
   * For requests that wait: at most `ms`, and no longer than it takes to meet their `need`; what takes longer goes on behind.
   * Never rejects.
   */
  async wait(ms: number, waitUntil?: WaitUntil, need?: SectionDemand): Promise<void> {
    if (!this.underWay && Date.now() - this.#failedAtMs < WAITING_BACKOFF_MS) return
    if (need !== undefined) this.#needs.add(need)
    const { whole, soon } = this.#flight.joinUntil(() => need?.isMet === true)
    this.#carryOn(whole, waitUntil)
    await within(soon, ms)
    if (need !== undefined) this.#needs.delete(need)
  }

  /** For requests that need what the origin knows now: a refresh that starts after this call, waited for likewise. */
  async catchUp(ms: number, waitUntil?: WaitUntil): Promise<'done' | 'failed' | 'late'> {
    const flight = this.#flight.fresh()
    this.#carryOn(flight, waitUntil)
    return within(flight, ms)
  }

  /** A refresh that starts after this call. Rejects with `feed_unreachable` or `feed_refused`. */
  async refresh(): Promise<void> {
    await this.#flight.fresh()
    void this.#realm.acknowledge()
  }

  /** Sends the realm's credential along. Rejects with `feed_unreachable`. */
  async get(path: string, query: Record<string, string>, maxBytes: number, signal: AbortSignal): Promise<Downloaded> {
    const { fetch } = this.#realm.surroundings.settings
    const url = feedUrl(this.#realm.settings.feed.url, path, query)
    const answer = await download(url, { fetch, errorCode: 'feed_unreachable', maxBytes, signal, headers: this.headers() })
    // A sign-in page, an error page of a proxy, a wrong path: say so, rather than "unknown format".
    if (answer.status === 200 && /^(?:text\/|application\/json)/i.test(answer.headers.get('content-type') ?? '')) {
      throw new PortcullisError('feed_refused', `${url.host} sent a page or text where a feed should be: check feed.url, and that no sign-in stands before it`, { detail: 'not_a_feed' })
    }
    return answer
  }

  headers(): Record<string, string> {
    const { credential } = this.#realm.settings.feed
    return credential === undefined ? {} : { authorization: `Bearer ${credential}` }
  }

  close(): void {
    this.#closed = true
    this.#flight.stop()
  }

  #carryOn(flight: Promise<void>, waitUntil: WaitUntil | undefined): void {
    const whole = flight.then(() => this.#realm.acknowledge()).catch(() => undefined)
    waitUntil?.(whole)
  }

  async #pull(signal: AbortSignal, progressed: () => void): Promise<void> {
    const startedAtMs = Date.now()
    try {
      const { state } = this.#realm
      if (!state.loaded || (state.wantsManifest && Date.now() - this.#manifestAtMs > MANIFEST_EVERY_MS)) {
        await this.#manifest(signal)
      } else {
        await this.#delta(signal)
      }
      this.#needs.lookAgain()
      progressed()
      await this.#sections(signal, progressed)
      // Sections may take a while; what has happened meanwhile is asked for once more.
      if (Date.now() - startedAtMs > SLOW_MS) await this.#delta(signal)
      this.#failures = 0
      this.#failedAtMs = -Infinity
      this.#realm.refreshedAtMs = Math.max(this.#realm.refreshedAtMs, startedAtMs)
    } catch (error) {
      if (this.#closed) throw new PortcullisError('closed', 'the gate was closed', { cause: error })
      this.#failures += 1
      this.#failedAtMs = Date.now()
      this.#realm.reportFeed(error)
      throw error
    }
  }

  async #delta(signal: AbortSignal): Promise<void> {
    const { status, bytes } = await this.get('deltas', { after: String(this.#realm.state.sequence) }, MAX_MESSAGE_BYTES, signal)
    if (status === 410 || status === 404) return this.#manifest(signal)
    if (status === 409) {
      const { host } = this.#realm.settings.feed.url
      throw new PortcullisError('feed_refused', `${host} is not as far as this gate: it has lost part of its ledger, and must go on in a new incarnation`, { detail: 'ahead' })
    }
    if (status !== 200) throw this.#unexpected(status, 'deltas')
    try {
      // A long way comes in several deltas; each moves the state on, so this ends.
      if (this.#apply(bytes) === 'partial') return await this.#delta(signal)
    } catch (error) {
      if (!(error instanceof PortcullisError) || !HEALED_BY_MANIFEST.includes(error.detail)) throw error
      if (error.detail === 'equivocation') this.#realm.reportFeed(error)
      await this.#manifest(signal)
    }
  }

  async #manifest(signal: AbortSignal): Promise<void> {
    const { status, bytes } = await this.get('manifest', {}, MAX_MESSAGE_BYTES, signal)
    if (status !== 200) throw this.#unexpected(status, 'the manifest')
    this.#apply(bytes)
    this.#manifestAtMs = Date.now()
  }

  /** Fetches what the manifest names and is not here. */
  async #sections(signal: AbortSignal, progressed: () => void): Promise<void> {
    if (this.#realm.missingSections().length === 0) return
    if ((await this.#fetchMissing(signal, progressed)) === 'superseded') {
      await this.#manifest(signal)
      this.#needs.lookAgain()
      await this.#fetchMissing(signal, progressed)
    }
    this.#realm.currentState()
    if (this.#realm.missingSections().length > 0) {
      throw new PortcullisError('feed_refused', 'sections that the manifest names are not to be had: do a cache or several origins stand behind feed.url?', { detail: 'sections_missing' })
    }
  }

  /** `superseded`: the origin no longer has one of them, so there must be a newer manifest. */
  async #fetchMissing(signal: AbortSignal, progressed: () => void): Promise<'tried' | 'superseded'> {
    const left = new Set(this.#realm.missingSections())
    let outcome: 'tried' | 'superseded' = 'tried'
    const fetchOneByOne = async (): Promise<void> => {
      for (let name = this.#needs.next(left); name !== undefined; name = this.#needs.next(left)) {
        const { status, bytes } = await this.get(`sections/${name}`, {}, MAX_SECTION_BYTES, signal)
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
      this.#realm.provideSection(bytes, sha256)
      this.#needs.arrived(name)
    } catch (error) {
      // Another flight or a newer manifest may have made it unwanted; if it is still missing, `#sections` says so.
      if (!(error instanceof PortcullisError) || error.detail !== 'unknown_section') throw error
    }
  }

  #apply(bytes: Uint8Array): CoreApplied['effect'] {
    this.#mustBeOpen()
    return this.#realm.apply(bytes).effect
  }

  /** After an await the core may be gone. */
  #mustBeOpen(): void {
    if (this.#closed) throw new PortcullisError('closed', 'the gate was closed')
  }

  #unexpected(status: number, what: string): PortcullisError {
    const { host } = this.#realm.settings.feed.url
    return new PortcullisError('feed_unreachable', `${host} answered ${status} for ${what}: ${advice(status)}`, { detail: 'status' })
  }
}

function advice(status: number): string {
  if (status === 401 || status === 403) return "feed.credential must be the origin's feedCredential"
  if (status === 429) return "too many gates ask from this address: see the origin's maxWaitingPerAddress and trustedProxies"
  return status < 500 ? 'check feed.url' : 'look into the log of the origin'
}

/** A path below a feed's URL, whose own query stays. */
export function feedUrl(base: URL, path: string, query: Record<string, string>): URL {
  const url = new URL(base)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  return url
}
