import { KeyLookupLimiter } from '../../jwks/lookup-limiter.ts'
import { pause, within } from '../../timing/deadline.ts'
import { SingleFlight } from '../../timing/single-flight.ts'
import { credentialHeaders, feedUrl } from './protocol.ts'
import type { FeedSubscriber } from './subscriber.ts'

/** Maximum number of a realm's tokens that wait for a lookup. */
const MAX_WAITING_TOKENS = 64
/** Interval at which a gate without keys requests the first ones while tokens wait for them. */
const FIRST_KEYS_EVERY_MS = 250

interface FeedKeyLookupOptions {
  /** Maximum time for the origin to fetch the issuer's keys. */
  jwksTimeoutMs: number
  /** Maximum time for the feed refresh that follows. */
  refreshTimeoutMs: number
  /** Maximum wait of tokens for the first keys. */
  firstLoadTimeoutMs: number
}

/**
 * Gets new keys for a realm whose feed carries them: makes the origin fetch the issuer's keys, then refreshes the feed.
 */
export class FeedKeyLookup {
  readonly #subscriber: FeedSubscriber
  readonly #options: FeedKeyLookupOptions
  readonly #refresh: () => Promise<unknown>
  readonly #lookups: SingleFlight
  readonly #limiter: KeyLookupLimiter
  #lackingSinceMs: number | undefined

  /** `refresh` updates the feed; it must take no longer than `refreshTimeoutMs`, and must not reject. */
  constructor(subscriber: FeedSubscriber, options: FeedKeyLookupOptions, refresh: () => Promise<unknown>) {
    this.#subscriber = subscriber
    this.#options = options
    this.#refresh = refresh
    this.#limiter = new KeyLookupLimiter(MAX_WAITING_TOKENS, subscriber.runtime.nowMs)
    this.#lookups = new SingleFlight((signal) => this.#run(signal), {
      shareFlights: subscriber.runtime.shareFlights,
      timeoutMs: options.jwksTimeoutMs + options.refreshTimeoutMs,
    })
  }

  /** Looks up a token's key. Returns false if that is not allowed now or has failed. */
  lookUp(kid: string): Promise<boolean> {
    return this.#limiter.lookUp(kid, this.#lookups.isRunning ? 'running' : 'needed', () => this.#lookups.join())
  }

  /**
   * Waits until `untilMs` for the first keys of a feed without keys, such as that of an origin that has just started.
   * The wait is at most `firstLoadTimeoutMs` from when they were first missed: a feed that never carries keys must not
   * delay every token.
   */
  async awaitFirstKeys(untilMs: number): Promise<void> {
    const { firstLoadTimeoutMs } = this.#options
    const { nowMs } = this.#subscriber.runtime
    if (this.#subscriber.state.hasKeys) this.#lackingSinceMs = undefined
    else this.#lackingSinceMs ??= nowMs()
    const endMs = Math.min(untilMs, (this.#lackingSinceMs ?? 0) + firstLoadTimeoutMs)
    while (!this.#subscriber.state.hasKeys && nowMs() < endMs) {
      await within(this.#lookups.join(), endMs - nowMs())
      if (!this.#subscriber.state.hasKeys) await pause(Math.min(FIRST_KEYS_EVERY_MS, Math.max(0, endMs - nowMs())))
    }
  }

  close(): void {
    this.#lookups.stop()
  }

  /** Refreshes the feed even if the request to the origin failed: the origin may have got new keys by its own poll. */
  async #run(signal: AbortSignal): Promise<void> {
    const asking = new AbortController()
    const abort = () => asking.abort()
    signal.addEventListener('abort', abort)
    await within(this.#askOrigin(asking.signal), this.#options.jwksTimeoutMs)
    signal.removeEventListener('abort', abort)
    abort()
    await this.#refresh()
  }

  /** Sends `POST {feed}/look`. The missing `kid` is not sent: an attacker's string must not get into logs. */
  async #askOrigin(signal: AbortSignal): Promise<void> {
    const { settings, runtime } = this.#subscriber
    const headers = credentialHeaders(settings)
    const response = await runtime.fetch(feedUrl(settings, 'look').href, {
      method: 'POST',
      redirect: 'manual',
      signal,
      headers,
    })
    response.body?.cancel().catch(() => undefined)
  }
}
