import { PortcullisError } from '../../errors.ts'
import { spreadBackoffMs } from '../../timing/backoff.ts'
import { pause } from '../../timing/deadline.ts'
import { EventParser } from './event-stream.ts'
import { credentialHeaders, feedUrl, isHealedByManifest, isInOlderForm, MAX_MESSAGE_BYTES } from './protocol.ts'
import type { FeedSubscriber } from './subscriber.ts'

/** A stream that is silent for this time has failed: origins send a heartbeat every second by default. */
const SILENCE_MS = 10_000
/** The pauses before reconnecting. */
const BACKOFF = { firstMs: 250, longestMs: 15_000 }
/** An event is a message in base64 and a few short fields. */
const MAX_EVENT_CHARACTERS: number = Math.ceil(MAX_MESSAGE_BYTES / 3) * 4 + 1024

/**
 * Listens to a realm's feed (`GET {feed}/stream`) in long-lived processes. Requests still pull when it falls silent.
 */
export class FeedStream {
  readonly #subscriber: FeedSubscriber
  readonly #refresh: () => Promise<void>
  readonly #closing = new AbortController()
  #running = false
  #failures = 0

  /** `refresh` pulls the feed; it rejects with the reported error. */
  constructor(subscriber: FeedSubscriber, refresh: () => Promise<void>) {
    this.#subscriber = subscriber
    this.#refresh = refresh
  }

  /** Starts listening, once. */
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
        if (this.#subscriber.state.loaded) await this.#listen(closing)
        else await this.#refresh()
      } catch (error) {
        if (closing.aborted) return
        this.#failures += 1
        // A failed refresh has already been reported; this report concerns the stream.
        if (this.#subscriber.state.loaded) this.#subscriber.report(error)
      }
      if (this.#failures > 0) await pause(spreadBackoffMs(BACKOFF, this.#failures), closing)
    }
  }

  /** Runs one connection until it ends, fails or falls silent; everything but closing counts as a failure. */
  async #listen(closing: AbortSignal): Promise<void> {
    const connection = new AbortController()
    const abort = () => connection.abort()
    closing.addEventListener('abort', abort)
    try {
      const reader = await this.#connect(connection)
      const parser = new EventParser(MAX_EVENT_CHARACTERS)
      for (;;) {
        const { done, value } = await unlessSilent(reader.read(), connection).catch((cause) => {
          throw this.#failure('network', connection.signal.aborted ? 'fell silent' : 'aborted the stream', cause)
        })
        if (closing.aborted) return
        if (done) throw this.#failure('ended', 'ended the stream')
        for (const event of this.#parse(parser, value)) {
          if (event.type === 'feed') await this.#apply(event.data)
          if (closing.aborted) return
        }
      }
    } finally {
      closing.removeEventListener('abort', abort)
      connection.abort()
    }
  }

  async #connect(connection: AbortController): Promise<ReadableStreamDefaultReader<Uint8Array>> {
    const { settings, runtime, state } = this.#subscriber
    const url = feedUrl(settings, 'stream', { after: String(state.sequence) })
    const headers = { ...credentialHeaders(settings), accept: 'text/event-stream' }
    const request = runtime.fetch(url.href, { redirect: 'manual', signal: connection.signal, headers })
    const response = await unlessSilent(request, connection).catch((cause) => {
      throw this.#failure('network', 'could not be reached for the stream', cause)
    })
    if (response.status !== 200) throw this.#failure('status', `responded with ${response.status} for the stream`)
    if (!/^text\/event-stream/i.test(response.headers.get('content-type') ?? '') || response.body === null) {
      throw this.#failure('not_a_feed', 'sent something other than an event stream')
    }
    return response.body.getReader()
  }

  #parse(parser: EventParser, bytes: Uint8Array): ReturnType<EventParser['push']> {
    try {
      return parser.push(bytes)
    } catch (cause) {
      throw this.#failure('too_large', 'sent an event that is too large', cause)
    }
  }

  async #apply(data: string): Promise<void> {
    const bytes = decodeBase64(data)
    if (bytes === undefined) throw this.#failure('malformed', 'sent an event that is not base64')
    try {
      const { effect } = this.#subscriber.apply(bytes)
      this.#failures = 0
      const isIncomplete = effect === 'staged' || effect === 'partial' || this.#subscriber.missingSections().length > 0
      if (isIncomplete || isInOlderForm(this.#subscriber.state)) await this.#refresh()
    } catch (error) {
      if (!isHealedByManifest(error)) throw error
      await this.#refresh()
    }
    void this.#subscriber.acknowledge()
  }

  #failure(detail: string, event: string, cause?: unknown): PortcullisError {
    return new PortcullisError('feed_unreachable', `${this.#subscriber.settings.url.host} ${event}`, { detail, cause })
  }
}

/** Aborts a connection if nothing arrives in time. */
async function unlessSilent<T>(promise: Promise<T>, connection: AbortController): Promise<T> {
  const timer: ReturnType<typeof setTimeout> = setTimeout(() => connection.abort(), SILENCE_MS)
  if (typeof timer === 'object') timer.unref?.()
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}

function decodeBase64(data: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(data.replaceAll('\n', '')), (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}
