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
  /** The origin's realm, whose state is kept in the store. */
  realm: string
  /** The name of the state in the store. */
  name: string
  /** How far back events are read again. */
  rereadSeconds: number
  /** How long tokens live: where reading begins at first, and how old an event may be that is missed. */
  lifetimeSeconds: number
  /** How long Keycloak keeps these events, in seconds; `undefined`: for ever, or unknown. */
  retentionSeconds: () => Promise<number | undefined>
  /** Takes events as they were sent, each once; resolves when their consequences are durable. */
  apply: (events: readonly unknown[]) => Promise<void>
  /** Events may be lost; resolves when the consequence is durable. */
  onGap: (gap: Gap) => Promise<void>
  nowMs: () => number
}

/**
 * The span that is reread more often where the whole one holds many events: most late events are late by one time-out
 * of Keycloak's.
 */
const SHORT_REREAD_MS = 5_000
/** The events of a span that may be read again in a second, on average. */
const REREAD_EVENTS_PER_SECOND = 1_000
/** After so long without a read the oldest event shows whether some have gone unread. */
const GAP_AFTER_MS = 60_000
/** Pages without a later time than the ones before: so many events of one millisecond there cannot be. */
const MAX_PAGES_OF_ONE_TIME = 100

/** A time before the position that is read again. */
interface Reread {
  readonly spanMs: number
  /** When it was read last, by our clock. */
  atMs: number
  /** The events of then, from its beginning on. */
  events: number
}

/**
 * Reads one kind of events to its end, oldest first. Keycloak shows an event when its transaction ends, with the time
 * at which it happened: so the last minutes are read again, and ids show which events are known.
 */
export class EventSource {
  readonly #options: EventSourceOptions
  readonly #pages: EventPages
  readonly #cursor: EventCursor
  readonly #rereadMs: number
  #progress: Progress | undefined
  /** When the position moved last, by our clock. */
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

  /** Rejects as the client, the store, `apply` and `onGap`; the next poll then goes on from there. */
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
      'Keycloak answers requests for later events with the same ones: check its version, and what stands before it',
    )
  }

  async #load(): Promise<Progress> {
    const { clock, lifetimeSeconds } = this.#options
    const startMs = Math.floor(clock.latestMs() - lifetimeSeconds * 1000)
    return (await this.#cursor.load()) ?? { startMs, readUntilMs: Math.floor(clock.latestMs()) }
  }

  /** Begins anew after a gap: its end is where reading goes on. */
  async #closeGap({ readUntilMs, newestMs }: Progress): Promise<void> {
    const { clock, lifetimeSeconds, retentionSeconds, onGap } = this.#options
    const [oldestMs, retention] = [await this.#pages.oldestMs(), await retentionSeconds()]
    const retentionMs = retention === undefined ? undefined : retention * 1000
    // A time ahead of Keycloak's would refuse new logins.
    const nowMs = Math.floor(clock.earliestMs())
    const gap = findGap({ readUntilMs, newestMs, oldestMs, retentionMs, lifetimeMs: lifetimeSeconds * 1000, nowMs })
    if (gap === undefined) return
    await onGap(gap)
    await this.#advance({ startMs: gap.toMs, readUntilMs: gap.toMs }, [])
  }

  /**
   * The span that is read again now: the longest that is due, for each is read no more often than its events allow.
   * None once all was read again after nothing had happened for so long that a late event from before would be later
   * than any is.
   */
  #rereadDue(nowMs: number): Reread | undefined {
    if (this.#rereads.some(({ spanMs, atMs }) => spanMs === this.#rereadMs && atMs - this.#movedAtMs > this.#rereadMs))
      return undefined
    return this.#rereads.find(
      ({ atMs, events }) => Math.abs(nowMs - atMs) >= (events * 1000) / REREAD_EVENTS_PER_SECOND,
    )
  }

  /** Never from before the longest lifetime of a token. */
  #fromMs(begunAtMs: number, rereadMs: number): number {
    const { clock, lifetimeSeconds } = this.#options
    const oldestNeededMs = Math.floor(clock.fromOurs(begunAtMs)) - lifetimeSeconds * 1000 - this.#rereadMs
    return Math.max(0, positionOf(this.#known) - rereadMs, oldestNeededMs)
  }

  /** Applies the events of a page that are not known, and then moves on. `readUntilMs`: it was the last one. */
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

  /** Those not applied yet, each once. Events without an id cannot be told apart, and are always applied. */
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

/** Whether a page ends later than it was asked to begin, so that the next one may begin there. */
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
