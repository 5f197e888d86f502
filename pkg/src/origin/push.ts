import { pause } from '../deadline.ts'
import { PortcullisError } from '../errors.ts'
import type { EdgeBook } from './edges.ts'
import type { RealmFeed } from './feed.ts'
import type { OriginReport } from './types.ts'

/** The first pause after a failed push; each further one is twice as long. */
const FIRST_PAUSE_MS = 100
/** The longest: an edge that is back hears of changes within this, and pulls before that. */
const LONGEST_PAUSE_MS = 30_000

export interface PusherOptions {
  edge: string
  url: URL
  feeds: readonly RealmFeed[]
  book: EdgeBook
  heartbeatSeconds: number
  timeoutMs: number
  fetch: typeof fetch
  onReport: (report: OriginReport) => void
}

interface Target {
  feed: RealmFeed
  /** What the edge has; `undefined`: the manifest is due. */
  sequence: number | undefined
  pushedAtMs: number
}

/**
 * Tells one edge of every change as soon as it is durable. One push is in flight at a time and the next one carries
 * everything since, so a slow edge gets fewer and bigger deltas and nobody waits for it.
 */
export class Pusher {
  readonly #options: PusherOptions
  readonly #targets: Target[]
  #closed = false
  /** Ends the wait for something new. */
  #idle = new AbortController()
  /** Ends the push under way, or the pause after it failed. */
  #busy = new AbortController()
  #failures = 0

  constructor(options: PusherOptions) {
    this.#options = options
    this.#targets = options.feeds.map((feed) => ({ feed, sequence: undefined, pushedAtMs: 0 }))
  }

  /** Pushes until it is closed. */
  async run(): Promise<void> {
    while (!this.#closed) {
      const target = this.#next()
      this.#idle = new AbortController()
      this.#busy = new AbortController()
      if (target === undefined) await pause(this.#idleMs(), this.#idle.signal)
      else await this.#push(target)
    }
  }

  /** There is something new. */
  notify(): void {
    this.#idle.abort()
  }

  close(): void {
    this.#closed = true
    this.#idle.abort()
    this.#busy.abort()
  }

  /** What is most urgent: a change, else a heartbeat that is due. */
  #next(): Target | undefined {
    return (
      this.#targets.find((target) => target.sequence !== target.feed.sequence) ??
      this.#targets.find((target) => this.#dueInMs(target) <= 0)
    )
  }

  #idleMs(): number {
    return Math.max(1, Math.min(...this.#targets.map((target) => this.#dueInMs(target))))
  }

  #dueInMs({ pushedAtMs }: Target): number {
    return pushedAtMs + this.#options.heartbeatSeconds * 1000 - Date.now()
  }

  async #push(target: Target): Promise<void> {
    const { feed } = target
    const wasManifest = target.sequence === undefined
    try {
      const { bytes, sequence } = feed.statement(target.sequence)
      const status = await this.#send(bytes)
      if (status >= 200 && status < 300) {
        target.sequence = sequence
        target.pushedAtMs = Date.now()
        this.#options.book.pushed(feed.name, this.#options.edge, sequence)
        this.#succeeded()
        return
      }
      // The edge cannot follow from there: it has restarted, or missed something. The manifest needs nothing before it.
      if (status >= 400 && status < 500) target.sequence = undefined
      if ((status === 409 || status === 410) && !wasManifest) return
      throw new PortcullisError('push_failed', `the edge answered with status ${status}`, { detail: 'status' })
    } catch (error) {
      if (!this.#closed) await this.#failed(feed, error)
    }
  }

  async #send(bytes: Uint8Array): Promise<number> {
    const { fetch, url, timeoutMs } = this.#options
    const busy = this.#busy
    const timer = setTimeout(() => busy.abort(), timeoutMs)
    try {
      const response = await fetch(url.href, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body: bytes as Uint8Array<ArrayBuffer>,
        redirect: 'manual',
        signal: busy.signal,
      })
      await response.body?.cancel()
      return response.status
    } finally {
      clearTimeout(timer)
    }
  }

  #succeeded(): void {
    if (this.#failures > 0) this.#options.onReport({ kind: 'push', edge: this.#options.edge, error: undefined })
    this.#failures = 0
  }

  async #failed(feed: RealmFeed, cause: unknown): Promise<void> {
    const error = cause instanceof PortcullisError ? cause : new PortcullisError('push_failed', 'the edge cannot be reached', { cause })
    if (this.#failures === 0) this.#options.onReport({ kind: 'push', realm: feed.name, edge: this.#options.edge, error })
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures)
    this.#failures += 1
    this.#busy = new AbortController()
    await pause(longest * (0.5 + Math.random() / 2), this.#busy.signal)
  }
}
