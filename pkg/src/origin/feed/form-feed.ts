import { PortcullisError } from '../../errors.ts'
import { toHex } from '../../hex.ts'
import type { Clock } from '../clock.ts'
import type { LedgerCore } from '../core/ledger.ts'
import type { Minor } from '../core/minor.ts'
import { Deltas } from './deltas.ts'
import type { CpuBudget } from './readers.ts'
import type { Statement } from './statement.ts'

interface Manifest extends Statement {
  /** A strong validator (RFC 9110 §8.8.3), quoted. Forms never share one, because it is a hash of the bytes. */
  etag: string
}

/** Called with every delta as it is committed, and with heartbeats. */
export type FeedListener = (statement: Statement) => void

interface FormFeedOptions {
  minor: Minor
  ledger: LedgerCore
  clock: Clock
  /** A manifest is signed again when the head has moved or after this many seconds. */
  renewSeconds: number
  /** How long a signed statement is valid. */
  validForSeconds: number
}

/** A realm's statements in the form of one minor version. Each is signed when a reader first requests it. */
export class FormFeed {
  readonly minor: Minor
  readonly listeners: Set<FeedListener> = new Set()
  readonly #options: FormFeedOptions
  readonly #deltas: Deltas
  #manifest: (Statement & { issuedAt: number; etag: Promise<string> }) | undefined

  constructor(options: FormFeedOptions) {
    this.minor = options.minor
    this.#options = options
    this.#deltas = new Deltas(options)
  }

  manifest(): Statement {
    return this.#current()
  }

  async validatedManifest(): Promise<Manifest> {
    const { bytes, sequence, etag } = this.#current()
    return { bytes, sequence, etag: await etag }
  }

  /**
   * Returns the delta from `after` towards the head, or a heartbeat at the head. Throws `feed_refused` with detail
   * `pruned` or `ahead`.
   */
  delta(after: number): Statement {
    return this.#deltas.exact(after)
  }

  /**
   * Returns a delta from `after` or earlier towards the head, for a reader that may request any range: few deltas serve
   * all. Throws `feed_refused` with detail `pruned`, `ahead`, or `busy`.
   */
  sharedDelta(after: number, budget: CpuBudget): Statement {
    return this.#deltas.shared(after, budget)
  }

  /** Returns the next statement for an edge at `after`: a delta, or the manifest if no delta starts there. */
  statement(after: number | undefined): Statement {
    return this.#orManifest(after, (from) => this.delta(from))
  }

  /** Yields as many statements as it takes to reach the head; at least one. */
  statements(after: number | undefined): Generator<Statement> {
    return this.#towardsHead(after, (from) => this.statement(from))
  }

  /** Yields the same for a reader; throws as `sharedDelta` does, except for `pruned`. */
  sharedStatements(after: number | undefined, budget: CpuBudget): Generator<Statement> {
    return this.#towardsHead(after, (from) => this.#orManifest(from, (from) => this.sharedDelta(from, budget)))
  }

  /** Sends the changes committed after `after` to the listeners. */
  publish(after: number): void {
    if (this.listeners.size === 0) return
    for (const statement of this.statements(after)) for (const listener of [...this.listeners]) listener(statement)
  }

  /** Clears the cache, so that everything is signed again. */
  clear(): void {
    this.#manifest = undefined
    this.#deltas.clear()
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
    while (statement.sequence < this.#options.ledger.sequence) {
      statement = next(statement.sequence)
      yield statement
    }
  }

  #current(): Statement & { etag: Promise<string> } {
    const { minor, ledger, clock, renewSeconds } = this.#options
    const now = clock()
    const { sequence } = ledger
    const known = this.#manifest
    if (known !== undefined && known.sequence === sequence && now < known.issuedAt + renewSeconds) return known
    const bytes = ledger.manifest(now, minor)
    this.#manifest = { bytes, sequence, issuedAt: now, etag: etagOf(bytes) }
    return this.#manifest
  }
}

/** Returns half of a SHA-256 in hexadecimal: equal only for equal bytes. */
async function etagOf(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
  return `"${toHex(digest.subarray(0, 16))}"`
}
