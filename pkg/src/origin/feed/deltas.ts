import { PortcullisError } from '../../errors.ts'
import type { Clock } from '../clock.ts'
import { coreCode } from '../core/module.ts'
import type { LedgerCore, SignedDelta } from '../core/ledger.ts'
import type { Minor } from '../core/minor.ts'
import type { Statement } from './statement.ts'
import type { CpuBudget } from './readers.ts'

/**
 * The maximum number of cached deltas to the head, and of their bytes: after a commit many edges request the same one.
 */
const MAX_KEPT = 256
const MAX_KEPT_BYTES = 8 * 1024 * 1024
/** How long a delta that ends before the head is reused. It renews no state's age, so its own age does not matter. */
const MAX_BLOCK_AGE_SECONDS = 10
/** The maximum age of the delta that readers get whose network has spent its CPU. */
const MAX_WIDE_AGE_SECONDS = 1

interface DeltasOptions {
  /** The form in which deltas are signed. */
  minor: Minor
  ledger: LedgerCore
  clock: Clock
  validForSeconds: number
}

/** A cached delta that more than one reader can use. */
interface Kept extends Statement {
  /** Its start; it may lie before the requested one. */
  start: number
  /** The ledger's head when it was signed. */
  head: number
  issuedAt: number
}

/** Signs deltas of one form, each once for all readers that can use it. */
export class Deltas {
  readonly #options: DeltasOptions
  /** Deltas to the current head, keyed by their start. */
  readonly #current = new Map<number, Statement>()
  #currentBytes = 0
  #currentAt = { sequence: -1, now: 0 }
  /** Deltas that end before the head, keyed by their end. */
  readonly #blocks = new Map<number, Kept>()
  /** A delta from far back that recently led to the head. */
  #wide: Kept | undefined

  constructor(options: DeltasOptions) {
    this.#options = options
  }

  /** Returns the delta from exactly `after` towards the head; for pushes and streams. Throws `feed_refused`. */
  exact(after: number): Statement {
    return this.#kept(after) ?? this.#toHead(after, after)
  }

  /**
   * Returns a delta from `after` or earlier, for a reader that may request many different ones. Throws `feed_refused`:
   * `pruned`, `ahead`, or `busy` if the reader has spent its CPU and no delta made for others fits.
   */
  shared(after: number, budget: CpuBudget): Statement {
    const known = this.#kept(after)
    if (known !== undefined) return known
    const [start = after, until = after] = translated(() => this.#options.ledger.sharedStretch(after))
    const isFar = until < this.#options.ledger.sequence
    const shared = isFar ? this.#block(start, after, until) : this.#near(start, after)
    if (shared !== undefined) return shared
    if (budget.isSpent) return this.#wideFor(after)
    return budget.charge(() => (isFar ? this.exact(after) : this.#toHead(start, after)))
  }

  /** Clears the cache, so that everything is signed again. */
  clear(): void {
    this.#current.clear()
    this.#currentBytes = 0
    this.#blocks.clear()
    this.#wide = undefined
  }

  /**
   * Returns a cached delta to the head or, for a reader at the head, the heartbeat of this second. Returns `undefined`
   * if no cached delta leads beyond `after`.
   */
  #near(start: number, after: number): Statement | undefined {
    if (after === this.#options.ledger.sequence) return this.exact(after)
    const known = this.#kept(start)
    return known !== undefined && known.sequence > after ? known : undefined
  }

  /**
   * Returns a delta that ends before the head. There are few of them, and each is valid for a while. Returns
   * `undefined` if it ends too early.
   */
  #block(start: number, after: number, until: number): Statement | undefined {
    const { minor, ledger, clock } = this.#options
    const now = clock()
    const known = this.#blocks.get(until)
    if (known !== undefined && known.start <= start && this.#isFresh(known, now))
      return known.sequence > after ? known : undefined
    const delta = translated(() => ledger.signedDeltaOver(start, start, until, now, minor))
    const block = { ...delta, start, head: ledger.sequence, issuedAt: now }
    for (const [end, kept] of this.#blocks) if (!this.#isFresh(kept, now)) this.#blocks.delete(end)
    this.#blocks.set(until, block)
    return block.sequence > after ? block : undefined
  }

  #isFresh({ head, issuedAt }: Kept, now: number): boolean {
    const { ledger, validForSeconds } = this.#options
    return head >= ledger.settledSince && now < issuedAt + Math.min(MAX_BLOCK_AGE_SECONDS, validForSeconds / 4)
  }

  /**
   * Returns one delta a second, shared by all readers that have spent their CPU budget. Throws `feed_refused` (`busy`).
   */
  #wideFor(after: number): Statement {
    const { ledger, clock } = this.#options
    const now = clock()
    const known = this.#wide
    const isFresh =
      known !== undefined && known.head >= ledger.settledSince && now < known.issuedAt + MAX_WIDE_AGE_SECONDS
    const wide = isFresh ? known : this.#makeWide(now)
    if (wide.start <= after && after < wide.sequence) return wide
    throw new PortcullisError('feed_refused', 'too many different deltas are requested', { detail: 'busy' })
  }

  #makeWide(now: number): Kept {
    const { ledger } = this.#options
    const start = ledger.widestStart
    this.#wide = { ...this.exact(start), start, head: ledger.sequence, issuedAt: now }
    return this.#wide
  }

  #kept(start: number): Statement | undefined {
    const now = this.#options.clock()
    const { sequence } = this.#options.ledger
    if (this.#currentAt.sequence !== sequence || this.#currentAt.now !== now) {
      this.#current.clear()
      this.#currentBytes = 0
      this.#currentAt = { sequence, now }
    }
    return this.#current.get(start)
  }

  #toHead(start: number, after: number): Statement {
    const { minor, ledger, clock } = this.#options
    const sign = (): SignedDelta =>
      start === after
        ? ledger.signedDelta(after, clock(), minor)
        : ledger.signedDeltaOver(start, after, ledger.sequence, clock(), minor)
    const statement = translated(sign)
    // From so far back the delta reaches its maximum length before anything new.
    if (statement.sequence <= after && start < after) return this.exact(after)
    if (this.#current.size < MAX_KEPT && this.#currentBytes + statement.bytes.byteLength <= MAX_KEPT_BYTES) {
      this.#current.set(start, statement)
      this.#currentBytes += statement.bytes.byteLength
    }
    return statement
  }
}

/** Converts an error of the core to ours. */
function translated<T>(ask: () => T): T {
  try {
    return ask()
  } catch (cause) {
    const detail = coreCode(cause)
    if (detail === 'pruned')
      throw new PortcullisError('feed_refused', 'the changes since then have been deleted: fetch the manifest', {
        detail,
      })
    if (detail === 'ahead')
      throw new PortcullisError('feed_refused', "the sequence is beyond this origin's head", { detail })
    throw cause
  }
}
