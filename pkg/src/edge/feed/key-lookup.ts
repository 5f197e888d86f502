import { KeyLookupLimiter } from '../../jwks/lookup-limiter.ts'
import { pause, within } from '../../timing/deadline.ts'
import { SingleFlight } from '../../timing/single-flight.ts'
import { credentialHeaders, feedUrl } from './protocol.ts'
import type { FeedSubscriber } from './subscriber.ts'

/** How many tokens of a realm may wait for a lookup. */
const MAX_WAITING_TOKENS = 64
/** How often a gate without keys requests the first ones while tokens wait for them. */
const FIRST_KEYS_EVERY_MS = 250

export interface FeedKeyLookupOptions {
  /** How long the origin may take to fetch the issuer's keys. */
  jwksTimeoutMs: number
  /** How long the refresh of the feed may take that follows. */
  refreshTimeoutMs: number
  /** How long tokens wait for the first keys. */
  firstLoadTimeoutMs: number
}

/** Brings new keys of a realm whose feed carries them: has the origin fetch the issuer's, then refreshes the feed. */
export class FeedKeyLookup {
  readonly #subscriber: FeedSubscriber
  readonly #options: FeedKeyLookupOptions
  readonly #refresh: () => Promise<unknown>
  readonly #lookups: SingleFlight
  readonly #limiter: KeyLookupLimiter
  #lackingSinceMs: number | undefined

  /** `refresh` brings the feed up to date; it must take no longer than `refreshTimeoutMs`, and not reject. */
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

  /** Looks a token's key up. False: not now, or it failed. */
  lookUp(kid: string): Promise<boolean> {
    return this.#limiter.lookUp(kid, this.#lookups.isRunning ? 'running' : 'needed', () => this.#lookups.join())
  }

  /**
   * Waits until `untilMs` for the first keys of a feed that has none yet, as that of an origin that has just started.
   * At most `firstLoadTimeoutMs` from when they were first missed: a feed that never carries any must not delay every
   * token.
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

  /** Refreshes the feed even if the origin could not be asked: it may have new keys by a poll of its own. */
  async #run(signal: AbortSignal): Promise<void> {
    const asking = new AbortController()
    const abort = () => asking.abort()
    signal.addEventListener('abort', abort)
    await within(this.#askOrigin(asking.signal), this.#options.jwksTimeoutMs)
    signal.removeEventListener('abort', abort)
    abort()
    await this.#refresh()
  }

  /** `POST {feed}/look`. The missing `kid` is not sent: text of an attacker's choice must not get into logs. */
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
