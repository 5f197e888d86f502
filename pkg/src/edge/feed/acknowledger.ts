import { PortcullisError } from '../../errors.ts'
import type { FeedOptions } from '../../types.ts'
import { feedUrl } from './puller.ts'
import type { Realm } from '../realm.ts'

/** How long an acknowledgement may take. */
const TIMEOUT_MS = 5000
/** An unchanged position is told again after this, for an origin that was restarted. */
const REPEAT_MS = 30_000

/** Tells the origin up to where this gate enforces a realm's revocations: `POST {feed}/acks`. */
export class Acknowledger {
  readonly #realm: Realm
  readonly #credentials: NonNullable<FeedOptions['acknowledge']>
  #told = ''
  #toldAtMs = -Infinity
  #busySinceMs = -Infinity
  #closed = false

  constructor(realm: Realm, credentials: NonNullable<FeedOptions['acknowledge']>) {
    this.#realm = realm
    this.#credentials = credentials
  }

  /** Sends the present position unless it is known there. Never rejects: what fails is reported and told next time. */
  async send(): Promise<void> {
    if (Date.now() - this.#busySinceMs < TIMEOUT_MS) return
    this.#busySinceMs = Date.now()
    try {
      while (!this.#closed && this.#news()) await this.#post()
    } catch (error) {
      if (!this.#closed) this.#realm.reportFeed(error)
    } finally {
      this.#busySinceMs = -Infinity
    }
  }

  close(): void {
    this.#closed = true
  }

  #news(): boolean {
    const { loaded, sequence, chain } = this.#realm.state
    return loaded && (this.#told !== `${sequence} ${chain}` || Date.now() - this.#toldAtMs > REPEAT_MS)
  }

  async #post(): Promise<void> {
    const { sequence, chain, issuedAt } = this.#realm.state
    const { edge, secret } = this.#credentials
    const url = feedUrl(this.#realm.settings.feed.url, 'acks', {})
    const fail = (what: string, cause?: unknown) =>
      new PortcullisError('feed_unreachable', `${url.host} ${what}`, { detail: 'acknowledgement', cause })
    const request = this.#realm.surroundings.settings.fetch(url.href, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ edge, sequence, chain, issuedAt }),
    })
    const response = await request.catch((cause: unknown) => {
      throw fail('could not be reached for an acknowledgement', cause)
    })
    response.body?.cancel().catch(() => undefined)
    if (!response.ok) throw fail(`answered ${response.status} to an acknowledgement`)
    this.#told = `${sequence} ${chain}`
    this.#toldAtMs = Date.now()
  }
}
