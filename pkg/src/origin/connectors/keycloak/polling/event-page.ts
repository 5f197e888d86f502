import { isObject } from '../../../../options.ts'
import type { AdminClient } from '../client/admin-client.ts'
import { failure, isFailure } from '../client/failure.ts'
import { isTime } from './event-cursor.ts'

/** A request to an events endpoint. */
interface EventQuery {
  /** Unix milliseconds, inclusive. */
  fromMs: number
  /** The number of events to skip. */
  first: number
  max: number
}

export interface EventPagesOptions {
  client: AdminClient
  /** The endpoint below the realm. */
  path: 'events' | 'admin-events'
  /** Selects the events that are needed, such as `['type', 'LOGOUT']`. */
  filter: readonly (readonly [string, string])[]
  nowMs: () => number
}

interface EventPage {
  events: readonly unknown[]
  /** Whether it has as many events as a page can hold, so that more may follow. */
  isFull: boolean
}

/** Keycloak's right to read events and the configuration of stored events. */
export const VIEW_EVENTS = 'view-events'

const MAX_PAGE_EVENTS = 500
const MAX_PAGE_BYTES = 4 * 1024 * 1024
/**
 * The limit for a page of one event, which cannot be divided. It may hold a request to Keycloak, 10 MiB at most, as a
 * JSON string with each quote escaped.
 */
const MAX_EVENT_BYTES = 24 * 1024 * 1024
/** How long all events are read after filtering by type has failed, before it is tried again. */
const UNFILTERED_MS = 600_000

/** Pages of one kind of events, oldest first. */
export class EventPages {
  readonly #options: EventPagesOptions
  #max = MAX_PAGE_EVENTS
  #unfilteredUntilMs = -Infinity

  constructor(options: EventPagesOptions) {
    this.#options = options
  }

  /** Rejects as `AdminClient.get` does, or with `too_large` for a single event. */
  async read(fromMs: number, first: number): Promise<EventPage> {
    for (;;) {
      const max = this.#max
      try {
        const events = await this.#readNamed({ fromMs, first, max })
        this.#max = Math.min(MAX_PAGE_EVENTS, max * 2)
        return { events, isFull: events.length >= max }
      } catch (error) {
        if (max === 1 || !isFailure(error, 'too_large')) throw error
        this.#max = Math.ceil(max / 4)
      }
    }
  }

  /** Returns the time of the oldest event of any type in unix milliseconds, or `undefined` without events. */
  async oldestMs(): Promise<number | undefined> {
    const [oldest] = await this.#get({ fromMs: 0, first: 0, max: 1 }, [])
    return isObject(oldest) && isTime(oldest['time']) ? oldest['time'] : undefined
  }

  /**
   * Reads events of the selected types. A version of Keycloak that lacks one of the types responds with 500. Then all
   * events are read, and the caller selects.
   */
  async #readNamed(query: EventQuery): Promise<readonly unknown[]> {
    const { filter, nowMs } = this.#options
    if (nowMs() < this.#unfilteredUntilMs) return this.#get(query, [])
    try {
      return await this.#get(query, filter)
    } catch (error) {
      if (!isFailure(error, 'server_error')) throw error
      const events = await this.#get(query, [])
      this.#unfilteredUntilMs = nowMs() + UNFILTERED_MS
      return events
    }
  }

  async #get(
    { fromMs, first, max }: EventQuery,
    filter: readonly (readonly [string, string])[],
  ): Promise<readonly unknown[]> {
    const { client, path } = this.#options
    const place = { dateFrom: fromMs, first, max }
    const query = [
      ...Object.entries(place).map(([name, value]) => [name, String(value)] as const),
      ['direction', 'asc'] as const,
      ...filter,
    ]
    const { status, body } = await client.get([path], {
      right: VIEW_EVENTS,
      query,
      maxBytes: max === 1 ? MAX_EVENT_BYTES : MAX_PAGE_BYTES,
    })
    if (status === 200 && Array.isArray(body)) return body as readonly unknown[]
    throw failure(
      'not_json',
      `Keycloak's response to the request for ${path} is not a list (status ${status}): check its version`,
    )
  }
}
