import { PortcullisError } from '../errors.ts'
import type { Clock } from './clock.ts'
import { coreCode, stageEvent, type LedgerCore, type LedgerEvent, type LedgerRow } from './core.ts'
import type { RealmRows, RevocationStore } from './store.ts'
import type { Recorded } from './types.ts'

/** Events written in one transaction at the most, so that one turn stays short. */
const MAX_TURN_EVENTS = 4_096
/** Rows deleted at a time: pruning must not hold up revocations. */
const PRUNE_ROWS = 2_000

export interface CommitterOptions {
  store: RevocationStore
  ledgers: ReadonlyMap<string, LedgerCore>
  clock: Clock
  /** Runs after a turn's rows are durable and before any of its callers hears of it. `after` is the head before. Must not throw. */
  onCommitted: (realm: string, after: number) => void
  /** Hears when the store fails (`error`), and when it works again (`undefined`). */
  onStore: (error: PortcullisError | undefined) => void
}

interface Waiting {
  realm: string
  event: LedgerEvent
  resolve: (recorded: Recorded) => void
  reject: (error: unknown) => void
}

/**
 * The one way into the ledgers. What is asked for in the same turn of the event loop is staged, written in one durable
 * transaction and committed together; when the store fails nothing of it has happened.
 */
export class Committer {
  readonly #options: CommitterOptions
  readonly #queue: Waiting[] = []
  #running: Promise<void> | undefined
  #failure: PortcullisError | undefined
  #closed = false

  constructor(options: CommitterOptions) {
    this.#options = options
  }

  /**
   * Why the store takes no writes; `undefined` while it does. A store that was unavailable is tried again here, so that an
   * origin heals which nobody asks to revoke because it is unwell.
   */
  async failure(): Promise<PortcullisError | undefined> {
    if (this.#failure?.code !== 'store_unavailable' || this.#running !== undefined) return this.#failure
    try {
      await this.#options.store.probe()
      this.#storeWorks()
    } catch {
      // As before.
    }
    return this.#failure
  }

  /**
   * Records an event. Resolves when it is durable and in force here, also when it was already. Rejects with
   * `unknown_realm`, `invalid_event`, `store_unavailable` or `closed`.
   */
  record(realm: string, event: LedgerEvent): Promise<Recorded> {
    if (this.#closed) return Promise.reject(new PortcullisError('closed', 'the origin is closed'))
    if (!this.#options.ledgers.has(realm)) return Promise.reject(new PortcullisError('unknown_realm', 'no such realm here'))
    return new Promise((resolve, reject) => {
      this.#queue.push({ realm, event, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Forgets, in memory and in the store, what nothing needs any more. */
  async prune(): Promise<void> {
    const now = this.#options.clock()
    for (const ledger of this.#options.ledgers.values()) ledger.prune(now)
    while (!this.#closed && (await this.#options.store.prune(now, PRUNE_ROWS)) === PRUNE_ROWS) await nextTurn()
  }

  /** Refuses what comes from now on and resolves when what came before is done. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
  }

  async #run(): Promise<void> {
    await nextTurn()
    try {
      while (this.#queue.length > 0) await this.#turn(this.#queue.splice(0, MAX_TURN_EVENTS))
    } finally {
      this.#running = undefined
    }
  }

  async #turn(batch: readonly Waiting[]): Promise<void> {
    const staged = new Map<string, { after: number; rows: LedgerRow[] }>()
    const waiting = batch.filter((entry) => this.#stage(entry, staged))
    try {
      if (staged.size > 0) await this.#write(staged)
      for (const realm of staged.keys()) this.#ledger(realm).commit()
    } catch (error) {
      for (const realm of staged.keys()) this.#ledger(realm).abort()
      for (const entry of waiting) entry.reject(error)
      return
    }
    for (const [realm, { after }] of staged) this.#options.onCommitted(realm, after)
    for (const { realm, resolve } of waiting) resolve({ realm, sequence: this.#ledger(realm).head().sequence })
  }

  /** False when the event was refused; its caller has heard of it. */
  #stage({ realm, event, reject }: Waiting, staged: Map<string, { after: number; rows: LedgerRow[] }>): boolean {
    const ledger = this.#ledger(realm)
    const known = staged.get(realm) ?? { after: ledger.head().sequence, rows: [] }
    try {
      const row = stageEvent(ledger, event, this.#options.clock())
      if (row !== undefined) {
        known.rows.push(row)
        staged.set(realm, known)
      }
      return true
    } catch (cause) {
      const detail = coreCode(cause) ?? 'refused'
      reject(new PortcullisError('invalid_event', `the event cannot be recorded: ${detail}`, { detail, cause }))
      return false
    }
  }

  async #write(staged: ReadonlyMap<string, { after: number; rows: LedgerRow[] }>): Promise<void> {
    const batches: RealmRows[] = [...staged].map(([realm, { after, rows }]) => ({ realm, after, rows }))
    try {
      await this.#options.store.append(batches)
    } catch (cause) {
      const failure =
        cause instanceof PortcullisError
          ? cause
          : new PortcullisError('store_unavailable', 'the store failed: look at its own message', { cause })
      if (this.#failure === undefined) this.#options.onStore(failure)
      this.#failure = failure
      throw failure
    }
    this.#storeWorks()
  }

  #storeWorks(): void {
    if (this.#failure !== undefined) this.#options.onStore(undefined)
    this.#failure = undefined
  }

  #ledger(realm: string): LedgerCore {
    const ledger = this.#options.ledgers.get(realm)
    if (ledger === undefined) throw new PortcullisError('unknown_realm', 'no such realm here')
    return ledger
  }
}

/** After the I/O of this turn: requests that arrived together are then all queued. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve)
    else setTimeout(resolve, 0)
  })
}
