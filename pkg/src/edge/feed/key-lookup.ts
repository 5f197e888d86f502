import { pause, within } from '../../timing/deadline.ts'
import { SingleFlight } from '../../timing/single-flight.ts'
import { KeyLookupLimiter } from '../../jwks/lookup-limiter.ts'
import { feedUrl } from './puller.ts'
import type { Realm } from '../realm.ts'

/** Tokens of a realm that wait for a look at the same time; others are refused at once. Made-up key ids cost nothing to send. */
const MAX_WAITING_TOKENS = 64
/** How often a gate without keys asks for the first ones while tokens wait for them. */
const FIRST_KEYS_EVERY_MS = 250

/** Brings new keys of a realm whose feed carries them: has the origin look at the issuer's, then refreshes the feed. */
export class KeyLookup {
  readonly #realm: Realm
  readonly #flight: SingleFlight
  readonly #search = new KeyLookupLimiter()
  #waiting = 0
  #lackingSinceMs: number | undefined

  constructor(realm: Realm) {
    this.#realm = realm
    const { shareFlights, settings } = realm.surroundings
    this.#flight = new SingleFlight((signal) => this.#look(signal), { shareFlights, timeoutMs: settings.jwksTimeoutMs + settings.refreshTimeoutMs })
  }

  /** Looks for a key that a token names; false when it was not, or not with success. */
  async lookFor(kid: string): Promise<boolean> {
    if (this.#waiting >= MAX_WAITING_TOKENS) return false
    if (!this.#search.admits(kid, this.#flight.underWay ? 'under_way' : 'needed')) return false
    this.#waiting += 1
    try {
      await this.#flight.join()
      return true
    } catch {
      return false
    } finally {
      this.#waiting -= 1
      this.#search.lookedFor(kid)
    }
  }

  /**
   * Waits until `untilMs` for the first keys of a feed that has none yet, as that of an origin that has just started. No longer
   * than `firstLoadTimeoutMs` from when they were first missed: a feed that is to carry none must not delay every token.
   */
  async awaitFirst(untilMs: number): Promise<void> {
    const { firstLoadTimeoutMs } = this.#realm.surroundings.settings
    if (this.#realm.state.hasKeys) this.#lackingSinceMs = undefined
    else this.#lackingSinceMs ??= Date.now()
    const endMs = Math.min(untilMs, (this.#lackingSinceMs ?? 0) + firstLoadTimeoutMs)
    while (!this.#realm.state.hasKeys && Date.now() < endMs) {
      await within(this.#flight.join(), endMs - Date.now())
      if (!this.#realm.state.hasKeys) await pause(Math.min(FIRST_KEYS_EVERY_MS, Math.max(0, endMs - Date.now())))
    }
  }

  close(): void {
    this.#flight.stop()
  }

  /** An origin that knows no looks, or cannot look now, may have learnt the keys in another way: its feed says so. */
  async #look(signal: AbortSignal): Promise<void> {
    const { jwksTimeoutMs, refreshTimeoutMs } = this.#realm.surroundings.settings
    const asking = new AbortController()
    const end = () => asking.abort()
    signal.addEventListener('abort', end)
    await within(this.#askOrigin(asking.signal), jwksTimeoutMs)
    signal.removeEventListener('abort', end)
    end()
    await this.#realm.feed.catchUp(refreshTimeoutMs)
  }

  /** `POST {feed}/look`. The missing `kid` is not sent: an attacker's text must not reach logs. */
  async #askOrigin(signal: AbortSignal): Promise<void> {
    const { settings, feed, surroundings } = this.#realm
    const url = feedUrl(settings.feed.url, 'look', {})
    const response = await surroundings.settings.fetch(url.href, { method: 'POST', redirect: 'manual', signal, headers: feed.headers() })
    response.body?.cancel().catch(() => undefined)
  }
}
