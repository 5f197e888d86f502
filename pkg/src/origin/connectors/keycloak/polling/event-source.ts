import { isObject } from '../../../../options.ts'
import type { ConnectorStore } from '../../../store/store.ts'
import type { AdminClient } from '../client/admin-client.ts'
import { failure } from '../client/failure.ts'
import type { ServerClock } from '../client/server-clock.ts'
import { EventCursor, isTime, positionOf, type Progress } from './event-cursor.ts'
import { findGap, type Gap } from './event-gap.ts'
import { EventPages, type EventPagesOptions } from './event-page.ts'
import type { Poll } from './poll-loop.ts'
import { eventId, type SeenEvent } from './seen-events.ts'

export interface EventSourceOptions extends Pick<EventPagesOptions, 'path' | 'filter'> {
  client: AdminClient
  clock: ServerClock
  store: ConnectorStore
  /** The origin's realm, whose state the store keeps. */
  realm: string
  /** The name of the state in the store. */
  name: string
  /** How far back events are read again. */
  rereadSeconds: number
  /** The lifetime of tokens. It determines where reading first starts, and how old a missed event may be. */
  lifetimeSeconds: number
  /** Returns how long Keycloak keeps these events, in seconds; `undefined` if without limit or unknown. */
  retentionSeconds: () => Promise<number | undefined>
  /** Applies events as they were sent, each once. Resolves when their effects are durable. */
  apply: (events: readonly unknown[]) => Promise<void>
  /** Called when events may have been lost. Resolves when the effect is durable. */
  onGap: (gap: Gap) => Promise<void>
  nowMs: () => number
}

/**
 * The span that is reread more often when the whole span holds many events: most late events are late by one timeout of
 * Keycloak's.
 */
const SHORT_REREAD_MS = 5_000
/** The average number of events of a span that may be read again per second. */
const REREAD_EVENTS_PER_SECOND = 1_000
/** After this long without a read, the oldest event shows whether some were missed. */
const GAP_AFTER_MS = 60_000
/** The limit on pages without a later time than the ones before: one millisecond cannot have that many events. */
const MAX_PAGES_OF_ONE_TIME = 100

/** A span before the position that is read again. */
interface Reread {
  readonly spanMs: number
  /** When it was last read, by our clock. */
  atMs: number
  /** The number of events read then. */
  events: number
}

/**
 * Reads one kind of event to its end, oldest first. Keycloak makes an event visible when its transaction ends, with the
 * time at which it happened. The last minutes are therefore read again, and ids show which events are known.
 */
export class EventSource {
  readonly #options: EventSourceOptions
  readonly #pages: EventPages
  readonly #cursor: EventCursor
  readonly #rereadMs: number
  #progress: Progress | undefined
  /** When the position last moved, by our clock. */
  #movedAtMs: number
  /** Longest first. */
  readonly #rereads: readonly Reread[]

  constructor(options: EventSourceOptions) {
    this.#options = options
    this.#pages = new EventPages(options)
    this.#cursor = new EventCursor(options)
    this.#rereadMs = options.rereadSeconds * 1000
    this.#rereads = [this.#rereadMs, SHORT_REREAD_MS].map((spanMs) => ({ spanMs, atMs: -Infinity, events: 0 }))
    this.#movedAtMs = options.nowMs()
  }

  /** Rejects as the client, the store, `apply` and `onGap` do; the next poll then continues from there. */
  readonly poll: Poll = async (signal, readUntil) => {
    const { clock, nowMs } = this.#options
    const begunAtMs = nowMs()
    const progress = (this.#progress ??= await this.#load())
    readUntil(clock.toOurs(progress.readUntilMs))
    if (clock.fromOurs(begunAtMs) - progress.readUntilMs > GAP_AFTER_MS) await this.#closeGap(progress)
    const reread = this.#rereadDue(begunAtMs)
    const place = { fromMs: this.#fromMs(begunAtMs, reread?.spanMs ?? 0), first: 0 }
    let events = 0
    for (let pagesOfOneTime = 0; pagesOfOneTime < MAX_PAGES_OF_ONE_TIME; pagesOfOneTime += 1) {
      const page = await this.#pages.read(place.fromMs, place.first)
      if (signal.aborted) return
      events += page.events.length
      const times = page.events.map(timeOf).filter(isTime)
      await this.#take(page.events, times, page.isFull ? undefined : clock.fromOurs(begunAtMs))
      if (!page.isFull) {
        if (reread !== undefined) Object.assign(reread, { atMs: begunAtMs, events })
        return
      }
      readUntil(clock.toOurs(this.#progress.readUntilMs))
      if (!isLater(times, page.events.length, place.fromMs)) place.first += page.events.length
      else [place.fromMs, place.first, pagesOfOneTime] = [times.at(-1) ?? 0, 0, 0]
    }
    throw failure(
      'server_error',
      'Keycloak returns the same events to requests for later ones: check its version, and any proxy in front of it',
    )
  }

  async #load(): Promise<Progress> {
    const { clock, lifetimeSeconds } = this.#options
    const startMs = Math.floor(clock.latestMs() - lifetimeSeconds * 1000)
    return (await this.#cursor.load()) ?? { startMs, readUntilMs: Math.floor(clock.latestMs()) }
  }

  /** Restarts after a gap: reading continues at its end. */
  async #closeGap({ readUntilMs, newestMs }: Progress): Promise<void> {
    const { clock, lifetimeSeconds, retentionSeconds, onGap } = this.#options
    const [oldestMs, retention] = [await this.#pages.oldestMs(), await retentionSeconds()]
    const retentionMs = retention === undefined ? undefined : retention * 1000
    // A time ahead of Keycloak's clock would refuse new logins.
    const nowMs = Math.floor(clock.earliestMs())
    const gap = findGap({ readUntilMs, newestMs, oldestMs, retentionMs, lifetimeMs: lifetimeSeconds * 1000, nowMs })
    if (gap === undefined) return
    await onGap(gap)
    await this.#advance({ startMs: gap.toMs, readUntilMs: gap.toMs }, [])
  }

  /**
   * Returns the span to reread now: the longest that is due, since each is reread no more often than its number of
   * events allows. Returns none if the whole span was reread after nothing had happened for so long that no event can
   * still be late.
   */
  #rereadDue(nowMs: number): Reread | undefined {
    if (this.#rereads.some(({ spanMs, atMs }) => spanMs === this.#rereadMs && atMs - this.#movedAtMs > this.#rereadMs))
      return undefined
    return this.#rereads.find(
      ({ atMs, events }) => Math.abs(nowMs - atMs) >= (events * 1000) / REREAD_EVENTS_PER_SECOND,
    )
  }

  /** Returns the time from which events are read: never further back than the longest lifetime of a token. */
  #fromMs(begunAtMs: number, rereadMs: number): number {
    const { clock, lifetimeSeconds } = this.#options
    const oldestNeededMs = Math.floor(clock.fromOurs(begunAtMs)) - lifetimeSeconds * 1000 - this.#rereadMs
    return Math.max(0, positionOf(this.#known) - rereadMs, oldestNeededMs)
  }

  /** Applies the unknown events of a page, and then advances. `readUntilMs` is given for the last page. */
  async #take(events: readonly unknown[], times: readonly number[], readUntilMs: number | undefined): Promise<void> {
    const known = this.#known
    const fresh = this.#freshOf(events)
    if (fresh.length > 0) await this.#options.apply(fresh)
    const nowMs = Math.floor(this.#options.clock.latestMs())
    const newestMs = Math.max(known.newestMs ?? -Infinity, ...times.map((time) => Math.min(time, nowMs)))
    const until = readUntilMs ?? Math.min(nowMs, times.at(-1) ?? 0)
    const progress = {
      ...known,
      ...(newestMs === -Infinity ? {} : { newestMs }),
      readUntilMs: Math.max(known.readUntilMs, Math.floor(until)),
    }
    const applied = fresh.flatMap((event) => seenOf(event, positionOf(progress)))
    await this.#advance(progress, applied)
  }

  /**
   * Returns the events not applied yet, each once. Events without an id cannot be recognised and are always applied.
   */
  #freshOf(events: readonly unknown[]): readonly unknown[] {
    const ids = new Set<string>()
    return events.filter((event) => {
      const id = eventId(event)
      if (id === undefined) return true
      const isFresh = !ids.has(id) && !this.#cursor.hasSeen(id)
      ids.add(id)
      return isFresh
    })
  }

  async #advance(progress: Progress, applied: readonly SeenEvent[]): Promise<void> {
    const position = positionOf(progress)
    await this.#cursor.advance(progress, applied, position - this.#rereadMs)
    if (position !== positionOf(this.#known)) this.#movedAtMs = this.#options.nowMs()
    this.#progress = progress
  }

  get #known(): Progress {
    if (this.#progress === undefined) throw new Error('the cursor is read before it is loaded')
    return this.#progress
  }
}

/** Whether a page ends later than its requested start, so that the next one may begin there. */
function isLater(times: readonly number[], events: number, fromMs: number): boolean {
  const isAscending = times.every((time, index) => time >= (times[index - 1] ?? 0))
  return times.length === events && isAscending && (times.at(-1) ?? 0) > fromMs
}

function seenOf(event: unknown, otherwiseMs: number): readonly SeenEvent[] {
  const id = eventId(event)
  const time = timeOf(event)
  return id === undefined ? [] : [{ id, time: isTime(time) ? time : otherwiseMs }]
}

function timeOf(event: unknown): unknown {
  return isObject(event) ? event['time'] : undefined
}
