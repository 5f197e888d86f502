import { PortcullisError } from '../../errors.ts'
import { toHex } from '../../hex.ts'
import type { Clock } from '../clock.ts'
import type { LedgerCore } from '../core/ledger.ts'
import { Deltas } from './deltas.ts'
import type { CpuBudget } from './readers.ts'
import type { Statement } from './statement.ts'

/** Long polls and streams of one realm at a time; more are turned away. */
export const MAX_READERS = 10_000

export interface Manifest extends Statement {
  /** A strong validator (RFC 9110 §8.8.3), quoted. */
  etag: string
}

/** Called with every delta as it is committed, and with heartbeats. */
export type FeedListener = (statement: Statement) => void

export interface RealmFeedOptions {
  name: string
  ledger: LedgerCore
  clock: Clock
  /** A manifest is signed anew when the head has moved or so many seconds have passed. */
  renewSeconds: number
  /** How long what is signed may be believed. */
  validForSeconds: number
}

/** The published side of one realm: signed statements of committed rows, and the readers that wait for the next one. */
export class RealmFeed {
  readonly name: string
  readonly #options: RealmFeedOptions
  readonly #listeners = new Set<FeedListener>()
  /** Ends each long poll. */
  readonly #polls = new Set<() => void>()
  readonly #deltas: Deltas
  #manifest: (Statement & { issuedAt: number; etag: Promise<string> }) | undefined
  #phase: 'open' | 'draining' | 'closed' = 'open'

  constructor(options: RealmFeedOptions) {
    this.name = options.name
    this.#options = options
    this.#deltas = new Deltas(options)
  }

  head(): { sequence: number; chain: string } {
    return this.#options.ledger.head()
  }

  /** The head's. */
  get sequence(): number {
    return this.#options.ledger.sequence
  }

  /** The chain at a past sequence; `undefined` where it is not known any more. */
  chainAt(sequence: number): string | undefined {
    return this.#options.ledger.chainAt(sequence)
  }

  manifest(): Statement {
    return this.#current()
  }

  async validatedManifest(): Promise<Manifest> {
    const { bytes, sequence, etag } = this.#current()
    return { bytes, sequence, etag: await etag }
  }

  /** `sha256` is 64 lower-case hexadecimal digits. */
  section(sha256: string): Uint8Array | undefined {
    return this.#options.ledger.section(sha256)
  }

  /** From `after` towards the head; a heartbeat at the head. Throws `feed_refused` with detail `pruned` or `ahead`. */
  delta(after: number): Statement {
    this.#mustBeOpen()
    return this.#deltas.exact(after)
  }

  /**
   * From `after` or before it towards the head, for a reader who may ask for whatever he likes: few deltas serve all. Throws
   * `feed_refused` with detail `pruned`, `ahead`, or `busy`.
   */
  sharedDelta(after: number, budget: CpuBudget): Statement {
    this.#mustBeOpen()
    return this.#deltas.shared(after, budget)
  }

  /** The next statement for an edge at `after`: a delta, or the manifest where there is no delta from there. */
  statement(after: number | undefined): Statement {
    return this.#orManifest(after, (from) => this.delta(from))
  }

  /** As many of them as it takes to be at the head; at least one. */
  statements(after: number | undefined): Generator<Statement> {
    return this.#towardsHead(after, (from) => this.statement(from))
  }

  /** The same for a reader; throws as `sharedDelta` does, but for `pruned`. */
  sharedStatements(after: number | undefined, budget: CpuBudget): Generator<Statement> {
    return this.#towardsHead(after, (from) => this.#orManifest(from, (from) => this.sharedDelta(from, budget)))
  }

  /** Returns what ends the subscription, or `undefined` when there are too many. */
  subscribe(listener: FeedListener): (() => void) | undefined {
    if (this.closed || this.#listeners.size >= MAX_READERS) return undefined
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Sends the changes committed after `after` to all listeners. */
  publish(after: number): void {
    if (this.#listeners.size === 0) return
    for (const statement of this.statements(after)) for (const listener of [...this.#listeners]) listener(statement)
  }

  heartbeat(): void {
    this.publish(this.sequence)
  }

  /** Everything is signed anew, for the key is another one. */
  resign(): void {
    this.#manifest = undefined
    this.#deltas.clear()
    this.heartbeat()
  }

  /** Resolves when the head is beyond `after`, after `waitMs`, or when `signal` aborts. Answers false when too many wait. */
  waitBeyond(after: number, waitMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.sequence > after || waitMs === 0 || signal.aborted || this.#phase !== 'open') return Promise.resolve(true)
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
        unsubscribe?.()
        this.#polls.delete(end)
        resolve(true)
      }
      const unsubscribe = this.subscribe(({ sequence }) => {
        if (sequence > after) end()
      })
      if (unsubscribe === undefined) return resolve(false)
      const timer = setTimeout(end, waitMs)
      signal.addEventListener('abort', end)
      this.#polls.add(end)
    })
  }

  /** Lets nobody wait any longer: long polls are answered with what there is. Changes are still published. */
  drain(): void {
    this.#phase = 'draining'
    for (const end of [...this.#polls]) end()
  }

  /** Ends what waits and takes no more. */
  close(): void {
    this.drain()
    this.#phase = 'closed'
    for (const listener of [...this.#listeners]) listener({ bytes: new Uint8Array(), sequence: this.sequence })
    this.#listeners.clear()
  }

  get closed(): boolean {
    return this.#phase === 'closed'
  }

  #orManifest(after: number | undefined, delta: (after: number) => Statement): Statement {
    if (after === undefined) return this.manifest()
    try {
      return delta(after)
    } catch (error) {
      if (error instanceof PortcullisError && error.detail === 'pruned') return this.manifest()
      throw error
    }
  }

  *#towardsHead(after: number | undefined, next: (after: number | undefined) => Statement): Generator<Statement> {
    let statement = next(after)
    yield statement
    while (statement.sequence < this.sequence) {
      statement = next(statement.sequence)
      yield statement
    }
  }

  #current(): Statement & { etag: Promise<string> } {
    this.#mustBeOpen()
    const now = this.#options.clock()
    const { sequence } = this
    const known = this.#manifest
    if (known !== undefined && known.sequence === sequence && now < known.issuedAt + this.#options.renewSeconds) return known
    const bytes = this.#options.ledger.manifest(now)
    this.#manifest = { bytes, sequence, issuedAt: now, etag: etagOf(bytes) }
    return this.#manifest
  }

  /** After an await the ledger may be gone. */
  #mustBeOpen(): void {
    if (this.closed) throw new PortcullisError('closed', 'the origin is closed')
  }
}

/** Half of a SHA-256 in hexadecimal: equal only for equal bytes. */
async function etagOf(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
  return `"${toHex(digest.subarray(0, 16))}"`
}
