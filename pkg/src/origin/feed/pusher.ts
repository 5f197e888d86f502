import { spreadBackoffMs } from '../../timing/backoff.ts'
import { pause } from '../../timing/deadline.ts'
import { PortcullisError } from '../../errors.ts'
import { MAX_UNPROVEN_PUSH_BYTES } from '../../http/push-limits.ts'
import { formFor, type Minor } from '../core/minor.ts'
import type { EdgeRegistry } from './edge-registry.ts'
import type { RealmFeed } from './realm-feed.ts'
import type { Statement } from './statement.ts'
import type { OriginReport } from '../api.ts'

/** The pauses after failed pushes. An edge that returns gets changes within the longest one, and pulls before that. */
const BACKOFF = { firstMs: 100, longestMs: 30_000 }

interface PusherOptions {
  edge: string
  url: URL
  /** Proves to the edge that the origin is pushing; without it the edge accepts no long pushes. */
  secret: string | undefined
  feeds: readonly RealmFeed[]
  edges: EdgeRegistry
  heartbeatSeconds: number
  timeoutMs: number
  fetch: typeof fetch
  onReport: (report: OriginReport) => void
}

interface Target {
  feed: RealmFeed
  /** The edge's sequence; `undefined` if the manifest is due. */
  sequence: number | undefined
  pushedAtMs: number
  /**
   * Whether the edge has refused the form that its acknowledgement names. `now`: the next push has form 0, regardless
   * of later acknowledgements. `reported`: that push has arrived.
   */
  refusal: 'none' | 'now' | 'reported'
}

/** `hint`: a heartbeat that an edge which is behind cannot apply, so that it pulls. */
interface Push extends Statement {
  kind: 'manifest' | 'delta' | 'hint'
}

/** The ASCII characters that a header field may carry (RFC 9110 §5.5). */
const HEADER_TEXT = /^[\x20-\x7e]+$/

/**
 * Pushes every change to one edge as soon as it is durable. Only one push is in progress at a time, and the next one
 * carries everything since. A slow edge therefore gets fewer and larger deltas, and blocks no other edge.
 */
export class Pusher {
  readonly #options: PusherOptions
  readonly #targets: Target[]
  #closed = false
  /** Ends the wait for a change. */
  #idle = new AbortController()
  /** Aborts the push in progress, or the pause after a failed one. */
  #busy = new AbortController()
  #failures = 0

  constructor(options: PusherOptions) {
    this.#options = options
    this.#targets = options.feeds.map((feed) => ({ feed, sequence: undefined, pushedAtMs: 0, refusal: 'none' }))
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

  /** Signals a new commit. */
  notify(): void {
    this.#idle.abort()
  }

  close(): void {
    this.#closed = true
    this.#idle.abort()
    this.#busy.abort()
  }

  /** Returns the most urgent target: one with a change, else one whose heartbeat is due. */
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
    const minor = this.#minorOf(target)
    try {
      const { kind, bytes, sequence } = this.#due(target, minor)
      const status = await this.#send(bytes)
      // An edge that is behind responds to a hint with 409, and pulls.
      if ((status >= 200 && status < 300) || (kind === 'hint' && status === 409)) {
        target.sequence = sequence
        target.pushedAtMs = Date.now()
        if (kind !== 'hint') this.#options.edges.pushed(feed.name, this.#options.edge, sequence)
        this.#succeeded(target, minor)
        return
      }
      // The edge cannot continue from there: it has restarted or missed something. The manifest needs nothing before
      // it.
      if (status >= 400 && status < 500) target.sequence = undefined
      if ((status === 409 || status === 410) && kind === 'delta') return
      if (status === 400 && minor > 0) return this.#refusedForm(target)
      throw new PortcullisError('push_failed', `the edge responded with status ${status}`, { detail: 'status' })
    } catch (error) {
      if (!this.#closed) await this.#failed(feed, error)
    }
  }

  /**
   * Returns the message that brings the edge to the head. A long one needs a secret. After a failure it is not retried,
   * because an edge that does not know the secret rejects it midway.
   */
  #due({ feed, sequence }: Target, minor: Minor): Push {
    const form = feed.form(minor)
    const statement = form.statement(sequence)
    const isLong = statement.bytes.byteLength > MAX_UNPROVEN_PUSH_BYTES
    if (isLong && (this.#options.secret === undefined || this.#failures > 0))
      return { ...form.statement(feed.sequence), kind: 'hint' }
    return { ...statement, kind: sequence === undefined ? 'manifest' : 'delta' }
  }

  async #send(bytes: Uint8Array): Promise<number> {
    const { fetch, url, secret, timeoutMs } = this.#options
    const busy = this.#busy
    const timer = setTimeout(() => busy.abort(), timeoutMs)
    try {
      const response = await fetch(url.href, {
        method: 'POST',
        headers: {
          'content-type': 'application/octet-stream',
          ...(secret !== undefined && HEADER_TEXT.test(secret) ? { authorization: `Bearer ${secret}` } : {}),
        },
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

  /** Returns the form that the edge has stated; form 0 until it has stated one. */
  #minorOf({ feed, refusal }: Target): Minor {
    return refusal === 'now' ? 0 : formFor(this.#options.edges.minorOf(feed.name, this.#options.edge) ?? 0)
  }

  /**
   * Handles an edge that does not support the form in its acknowledgement, as when an older instance has replaced it.
   * The next push has form 0, at once; later pushes use the other form once the edge acknowledges again.
   */
  #refusedForm(target: Target): void {
    const { edges, edge, onReport } = this.#options
    const { feed, refusal } = target
    edges.refusedMinor(feed.name, edge)
    target.refusal = 'now'
    if (refusal !== 'none') return
    const message =
      'the edge refused the form of the feed that its acknowledgement names: check whether all its instances have the same version'
    onReport({
      kind: 'push',
      realm: feed.name,
      edge,
      error: new PortcullisError('push_failed', message, { detail: 'minor' }),
    })
  }

  #succeeded(target: Target, minor: Minor): void {
    const { edges, edge, onReport } = this.#options
    if (this.#failures > 0) onReport({ kind: 'push', edge, error: undefined })
    this.#failures = 0
    if (target.refusal === 'now') target.refusal = 'reported'
    const named = edges.minorOf(target.feed.name, edge)
    if (target.refusal !== 'reported' || named === undefined || formFor(named) !== minor) return
    target.refusal = 'none'
    onReport({ kind: 'push', realm: target.feed.name, edge, error: undefined })
  }

  async #failed(feed: RealmFeed, cause: unknown): Promise<void> {
    const error =
      cause instanceof PortcullisError
        ? cause
        : new PortcullisError('push_failed', 'the edge cannot be reached', { cause })
    if (this.#failures === 0)
      this.#options.onReport({ kind: 'push', realm: feed.name, edge: this.#options.edge, error })
    this.#failures += 1
    this.#busy = new AbortController()
    await pause(spreadBackoffMs(BACKOFF, this.#failures), this.#busy.signal)
  }
}
