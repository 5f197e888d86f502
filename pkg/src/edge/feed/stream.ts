import { pause } from '../../timing/deadline.ts'
import { PortcullisError } from '../../errors.ts'
import { EventParser } from './event-stream.ts'
import { feedUrl, HEALED_BY_MANIFEST, MAX_MESSAGE_BYTES } from './puller.ts'
import type { Realm } from '../realm.ts'

/** A stream that is silent for so long is dead: origins send a heartbeat every second unless told otherwise. */
const SILENCE_MS = 10_000
/** The pause before connecting again, doubled with each failure and spread over its upper half. */
const FIRST_BACKOFF_MS = 250
const MAX_BACKOFF_MS = 15_000
/** An event is a message in base64 and a few short fields. */
const MAX_EVENT_CHARACTERS: number = Math.ceil(MAX_MESSAGE_BYTES / 3) * 4 + 1024

/** Listens to a realm's feed (`GET {feed}/stream`), in processes that live long. Requests still pull when it falls silent. */
export class FeedStream {
  readonly #realm: Realm
  readonly #closing = new AbortController()
  #running = false
  #failures = 0

  constructor(realm: Realm) {
    this.#realm = realm
  }

  /** Begins to listen, once. */
  start(): void {
    if (this.#running) return
    this.#running = true
    void this.#run(this.#closing.signal)
  }

  close(): void {
    this.#closing.abort()
  }

  async #run(closing: AbortSignal): Promise<void> {
    while (!closing.aborted) {
      try {
        if (this.#realm.state.loaded) await this.#listen(closing)
        else await this.#realm.feed.refresh()
      } catch (error) {
        if (closing.aborted) return
        this.#failures += 1
        // What the feed could not do it has reported itself; this is about the stream.
        if (this.#realm.state.loaded) this.#realm.reportFeed(error)
      }
      if (this.#failures > 0) await pause(backoffMs(this.#failures), closing)
    }
  }

  /** One connection, until it ends, fails or falls silent; every way but closing counts as a failure. */
  async #listen(closing: AbortSignal): Promise<void> {
    const connection = new AbortController()
    const hangUp = () => connection.abort()
    closing.addEventListener('abort', hangUp)
    try {
      const reader = await this.#connect(connection)
      const parser = new EventParser(MAX_EVENT_CHARACTERS)
      for (;;) {
        const { done, value } = await unlessSilent(reader.read(), connection).catch((cause) => {
          throw this.#broken('network', connection.signal.aborted ? 'fell silent' : 'broke off the stream', cause)
        })
        if (closing.aborted) return
        if (done) throw this.#broken('ended', 'ended the stream')
        for (const event of this.#parse(parser, value)) {
          if (event.type === 'feed') await this.#take(event.data)
          if (closing.aborted) return
        }
      }
    } finally {
      closing.removeEventListener('abort', hangUp)
      connection.abort()
    }
  }

  async #connect(connection: AbortController): Promise<ReadableStreamDefaultReader<Uint8Array>> {
    const { settings, feed, state, surroundings } = this.#realm
    const url = feedUrl(settings.feed.url, 'stream', { after: String(state.sequence) })
    const headers = { ...feed.headers(), accept: 'text/event-stream' }
    const request = surroundings.settings.fetch(url.href, { redirect: 'manual', signal: connection.signal, headers })
    const response = await unlessSilent(request, connection).catch((cause) => {
      throw this.#broken('network', 'could not be reached for the stream', cause)
    })
    if (response.status !== 200) throw this.#broken('status', `answered ${response.status} for the stream`)
    if (!/^text\/event-stream/i.test(response.headers.get('content-type') ?? '') || response.body === null) {
      throw this.#broken('not_a_feed', 'sent something else than a stream of events')
    }
    return response.body.getReader()
  }

  #parse(parser: EventParser, bytes: Uint8Array): ReturnType<EventParser['push']> {
    try {
      return parser.push(bytes)
    } catch (cause) {
      throw this.#broken('too_large', 'sent an event beyond the bound', cause)
    }
  }

  async #take(data: string): Promise<void> {
    const bytes = decodeBase64(data)
    if (bytes === undefined) throw this.#broken('malformed', 'sent an event that is not base64')
    try {
      const { effect } = this.#realm.apply(bytes)
      this.#failures = 0
      if (effect === 'staged' || effect === 'partial' || this.#realm.missingSections().length > 0) await this.#realm.feed.refresh()
    } catch (error) {
      if (!(error instanceof PortcullisError) || !HEALED_BY_MANIFEST.includes(error.detail)) throw error
      await this.#realm.feed.refresh()
    }
    void this.#realm.acknowledge()
  }

  #broken(detail: string, what: string, cause?: unknown): PortcullisError {
    return new PortcullisError('feed_unreachable', `${this.#realm.settings.feed.url.host} ${what}`, { detail, cause })
  }
}

/** Gives up a connection on which nothing comes. */
async function unlessSilent<T>(promise: Promise<T>, connection: AbortController): Promise<T> {
  const timer: ReturnType<typeof setTimeout> = setTimeout(() => connection.abort(), SILENCE_MS)
  if (typeof timer === 'object') timer.unref?.()
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}

function backoffMs(failures: number): number {
  return Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (failures - 1)) * (0.5 + Math.random() / 2)
}

function decodeBase64(data: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(data.replaceAll('\n', '')), (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}
