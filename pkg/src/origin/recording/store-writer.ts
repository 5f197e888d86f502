import { PortcullisError } from '../../errors.ts'
import type { LedgerEvent, LedgerRow } from '../core/ledger.ts'
import type { AuditEntry } from '../store/audit-entry.ts'
import type { OutboxEntry } from '../store/outbox.ts'
import type { RealmRows, RevocationStore } from '../store/store.ts'

export interface StoreWriterOptions {
  store: RevocationStore
  /** Reports that the store fails (`error`), or works again (`undefined`). */
  onStore: (error: PortcullisError | undefined) => void
  /** Called with each turn once it is durable. Must not throw. */
  onTurn?: (turn: Turn) => void
}

/** One durable transaction. */
export interface Turn {
  /** How long the store took. */
  milliseconds: number
  /** The new events. */
  recorded: { realm: string; kind: LedgerEvent['kind'] }[]
}

/** A realm's part of a turn. */
export interface StagedRealm {
  after: number
  /** None: the events of the realm were in force, and something goes to the outbox. */
  rows: LedgerRow[]
  kinds: LedgerEvent['kind'][]
  outbox: OutboxEntry[]
}

/** Writes turns to the store, and reports a failure once when it begins and once when it is over. */
export class StoreWriter {
  readonly #options: StoreWriterOptions
  #failure: PortcullisError | undefined

  constructor(options: StoreWriterOptions) {
    this.#options = options
  }

  /** Why the store takes no writes; `undefined` while it does. */
  get failure(): PortcullisError | undefined {
    return this.#failure
  }

  /** Writes a turn in one transaction, by the realms' names. Rejects as the store does, or with `store_unavailable`. */
  async write(staged: ReadonlyMap<string, StagedRealm>, entries: readonly AuditEntry[]): Promise<void> {
    const batches: RealmRows[] = [...staged].map(([realm, { after, rows, outbox }]) => ({
      realm,
      after,
      rows,
      ...(outbox.length === 0 ? {} : { outbox }),
    }))
    const startedAt = performance.now()
    try {
      await this.#options.store.append(batches, entries)
    } catch (cause) {
      const failure =
        cause instanceof PortcullisError
          ? cause
          : new PortcullisError('store_unavailable', 'the store failed: look at its own message', { cause })
      if (this.#failure === undefined) this.#options.onStore(failure)
      this.#failure = failure
      throw failure
    }
    this.#works()
    const recorded = [...staged].flatMap(([realm, { kinds }]) => kinds.map((kind) => ({ realm, kind })))
    this.#options.onTurn?.({ milliseconds: performance.now() - startedAt, recorded })
  }

  /** Asks a store that has failed whether it works again. Never rejects. */
  async retry(): Promise<void> {
    try {
      await this.#options.store.probe()
      this.#works()
    } catch {
      // As before.
    }
  }

  #works(): void {
    if (this.#failure !== undefined) this.#options.onStore(undefined)
    this.#failure = undefined
  }
}
