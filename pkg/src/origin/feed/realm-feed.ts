import { PortcullisError } from '../../errors.ts'
import type { Clock } from '../clock.ts'
import type { LedgerCore } from '../core/ledger.ts'
import { formFor, type Minor, MINORS, NEWEST_MINOR } from '../core/minor.ts'
import { type FeedListener, FormFeed } from './form-feed.ts'

/** The maximum number of long polls and streams of one realm at a time; further ones are rejected. */
const MAX_READERS = 10_000

interface RealmFeedOptions {
  name: string
  ledger: LedgerCore
  clock: Clock
  /** A manifest is signed again when the head has moved or after this many seconds. */
  renewSeconds: number
  /** How long signed statements are valid. */
  validForSeconds: number
}

/**
 * The published side of one realm: signed statements of committed rows in the form of each reader's minor version, and
 * the readers that wait for the next one.
 */
export class RealmFeed {
  readonly name: string
  readonly #options: RealmFeedOptions
  readonly #forms: ReadonlyMap<Minor, FormFeed>
  /** The waiting long polls. Each is called when the head may have moved. */
  readonly #polls = new Set<() => void>()
  /** The form that a reader last requested. */
  #asked: Minor = NEWEST_MINOR
  #phase: 'open' | 'draining' | 'closed' = 'open'

  constructor(options: RealmFeedOptions) {
    this.name = options.name
    this.#options = options
    this.#forms = new Map(MINORS.map((minor) => [minor, new FormFeed({ ...options, minor })]))
  }

  head(): { sequence: number; chain: string } {
    return this.#options.ledger.head()
  }

  /** The sequence of the head. */
  get sequence(): number {
    return this.#options.ledger.sequence
  }

  /** Returns the chain at a past sequence; `undefined` if it is no longer known. */
  chainAt(sequence: number): string | undefined {
    return this.#options.ledger.chainAt(sequence)
  }

  /** Returns a section of a recent manifest of either form. `sha256` is 64 lowercase hexadecimal digits. */
  section(sha256: string): Uint8Array | undefined {
    return this.#options.ledger.section(sha256)
  }

  /** Returns the statements for readers of a minor version. Throws `closed`, so call it again after each wait. */
  form(minor: Minor): FormFeed {
    this.#asked = minor
    return this.#open(minor)
  }

  /**
   * The statements for the origin's own gate: in the form that readers request, so that nothing is signed twice, unless
   * only a newer one is exact. Throws `closed`.
   */
  get ownForm(): FormFeed {
    const exact = formFor(this.#options.ledger.exactMinor)
    const listening = [...this.#forms.values()].filter(({ listeners }) => listeners.size > 0).map(({ minor }) => minor)
    const read = listening.length > 0 ? Math.max(...listening) : this.#asked
    return this.#open(formFor(Math.max(exact, read)))
  }

  /** Returns a function that ends the subscription to a form, or `undefined` if there are too many. */
  subscribe(minor: Minor, listener: FeedListener): (() => void) | undefined {
    if (this.closed || this.#readers >= MAX_READERS) return undefined
    const { listeners } = this.#open(minor)
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }

  /**
   * Sends the changes committed after `after` to all listeners, each in its form. If one form fails, it throws after
   * serving the other.
   */
  publish(after: number): void {
    for (const look of [...this.#polls]) look()
    const failures: unknown[] = []
    for (const form of this.#forms.values()) {
      try {
        form.publish(after)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  heartbeat(): void {
    this.publish(this.sequence)
  }

  /** Re-signs everything after a key rotation. */
  resign(): void {
    for (const form of this.#forms.values()) form.clear()
    this.heartbeat()
  }

  /**
   * Resolves when the head is beyond `after`, after `waitMs`, or when `signal` aborts. Resolves to false if too many
   * readers wait.
   */
  waitBeyond(after: number, waitMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.sequence > after || waitMs === 0 || signal.aborted || this.#phase !== 'open') return Promise.resolve(true)
    if (this.#readers >= MAX_READERS) return Promise.resolve(false)
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
        this.#polls.delete(look)
        resolve(true)
      }
      const look = (): void => {
        if (this.#phase !== 'open' || this.sequence > after) end()
      }
      const timer = setTimeout(end, waitMs)
      signal.addEventListener('abort', end)
      this.#polls.add(look)
    })
  }

  /** Ends all waits: long polls are answered with the current state. Changes are still published. */
  drain(): void {
    this.#phase = 'draining'
    for (const look of [...this.#polls]) look()
  }

  /** Ends all waits and accepts no more. */
  close(): void {
    this.drain()
    this.#phase = 'closed'
    for (const { listeners } of this.#forms.values()) {
      for (const listener of [...listeners]) listener({ bytes: new Uint8Array(), sequence: this.sequence })
      listeners.clear()
    }
  }

  get closed(): boolean {
    return this.#phase === 'closed'
  }

  /** The number of waiting readers: streams and long polls. */
  get #readers(): number {
    return [...this.#forms.values()].reduce((count, { listeners }) => count + listeners.size, this.#polls.size)
  }

  /** The ledger may be gone after an await. */
  #open(minor: Minor): FormFeed {
    const form = this.#forms.get(minor)
    if (this.closed || form === undefined) throw new PortcullisError('closed', 'the origin is closed')
    return form
  }
}
