import { PortcullisError } from '../../errors.ts'
import type { LedgerEvent, LedgerRow } from '../core/ledger.ts'
import type { AuditEntry } from '../store/audit-entry.ts'
import type { OutboxEntry } from '../store/outbox.ts'
import type { RealmRows, RevocationStore } from '../store/store.ts'

export interface StoreWriterOptions {
  store: RevocationStore
  /** Reports a failure of the store (`error`) or its end (`undefined`). */
  onStore: (error: PortcullisError | undefined) => void
  /** Called with each batch once it is durable. Must not throw. */
  onTurn?: (turn: Turn) => void
}

/** One durable transaction. */
export interface Turn {
  /** The duration of the store's write. */
  milliseconds: number
  /** The new events. */
  recorded: { realm: string; kind: LedgerEvent['kind'] }[]
}

/** A realm's part of a batch. */
export interface StagedRealm {
  after: number
  /** Empty if the realm's events were already in force and only the outbox gets something. */
  rows: LedgerRow[]
  kinds: LedgerEvent['kind'][]
  outbox: OutboxEntry[]
}

/** Writes batches to the store, and reports a failure once when it begins and once when it ends. */
export class StoreWriter {
  readonly #options: StoreWriterOptions
  #failure: PortcullisError | undefined

  constructor(options: StoreWriterOptions) {
    this.#options = options
  }

  /** Why the store cannot be written; `undefined` while it can. */
  get failure(): PortcullisError | undefined {
    return this.#failure
  }

  /**
   * Writes a batch in one transaction; `staged` is keyed by realm name. Rejects as the store does, or with
   * `store_unavailable`.
   */
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
          : new PortcullisError('store_unavailable', 'the store failed: see its own message', { cause })
      if (this.#failure === undefined) this.#options.onStore(failure)
      this.#failure = failure
      throw failure
    }
    this.#works()
    const recorded = [...staged].flatMap(([realm, { kinds }]) => kinds.map((kind) => ({ realm, kind })))
    this.#options.onTurn?.({ milliseconds: performance.now() - startedAt, recorded })
  }

  /** Checks whether a store that has failed works again. Never rejects. */
  async retry(): Promise<void> {
    try {
      await this.#options.store.probe()
      this.#works()
    } catch {
      // Still failing, as before.
    }
  }

  #works(): void {
    if (this.#failure !== undefined) this.#options.onStore(undefined)
    this.#failure = undefined
  }
}
