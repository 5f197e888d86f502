import { PortcullisError } from '../../errors.ts'
import type { FeedOptions } from '../../types.ts'
import { feedUrl } from './protocol.ts'
import type { FeedSubscriber } from './subscriber.ts'

/** Maximum time for an acknowledgement. */
const TIMEOUT_MS = 5000
/** Interval after which an unchanged position is sent again, because the origin may have restarted. */
const REPEAT_MS = 30_000

/** Reports to the origin up to which position this gate enforces a realm's revocations: `POST {feed}/acks`. */
export class Acknowledger {
  readonly #subscriber: FeedSubscriber
  readonly #credentials: NonNullable<FeedOptions['acknowledge']>
  #sent = ''
  #sentAtMs = -Infinity
  #busySinceMs = -Infinity
  #closed = false

  constructor(subscriber: FeedSubscriber, credentials: NonNullable<FeedOptions['acknowledge']>) {
    this.#subscriber = subscriber
    this.#credentials = credentials
  }

  /**
   * Sends the current position unless the origin has it. Never rejects: a failure is reported, and the next call
   * retries.
   */
  async send(): Promise<void> {
    if (this.#subscriber.runtime.nowMs() - this.#busySinceMs < TIMEOUT_MS) return
    this.#busySinceMs = this.#subscriber.runtime.nowMs()
    try {
      while (!this.#closed && this.#isDue()) await this.#post()
    } catch (error) {
      if (!this.#closed) this.#subscriber.report(error)
    } finally {
      this.#busySinceMs = -Infinity
    }
  }

  close(): void {
    this.#closed = true
  }

  #isDue(): boolean {
    const { loaded, sequence, chain } = this.#subscriber.state
    return (
      loaded && (this.#sent !== `${sequence} ${chain}` || this.#subscriber.runtime.nowMs() - this.#sentAtMs > REPEAT_MS)
    )
  }

  async #post(): Promise<void> {
    const { settings, runtime, state } = this.#subscriber
    const { sequence, chain, issuedAt } = state
    const { edge, secret } = this.#credentials
    const url = feedUrl(settings, 'acks')
    const failure = (event: string, cause?: unknown) =>
      new PortcullisError('feed_unreachable', `${url.host} ${event}`, { detail: 'acknowledgement', cause })
    const request = runtime.fetch(url.href, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ edge, sequence, chain, issuedAt }),
    })
    const response = await request.catch((cause: unknown) => {
      throw failure('could not be reached for an acknowledgement', cause)
    })
    response.body?.cancel().catch(() => undefined)
    if (!response.ok) throw failure(`responded with ${response.status} to an acknowledgement`)
    this.#sent = `${sequence} ${chain}`
    this.#sentAtMs = this.#subscriber.runtime.nowMs()
  }
}
