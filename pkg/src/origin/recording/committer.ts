import { PortcullisError } from '../../errors.ts'
import { APPLICATION, type AuditEntry } from '../store/audit-entry.ts'
import { type AuditBounds, isRepeatedSilently } from './audit-bounds.ts'
import { storable } from './audit-text.ts'
import type { Clock } from '../clock.ts'
import { coreCode } from '../core/module.ts'
import type { EventTime, LedgerCore, LedgerEvent } from '../core/ledger.ts'
import { stageEvent } from '../core/guarded-ledger.ts'
import type { OutboxEntry } from '../store/outbox.ts'
import type { Recorded } from '../api.ts'
import { type StagedRealm, StoreWriter, type StoreWriterOptions } from './store-writer.ts'

/** The maximum number of events in one transaction, so that one batch stays short. */
const MAX_TURN_EVENTS = 4_096
/**
 * The maximum number of event loop turns for which a transaction waits for more events: concurrent requests arrive
 * within two or three.
 */
const MAX_GATHERING_TURNS = 4
/** The number of rows deleted at a time: pruning must not delay revocations. */
const PRUNE_ROWS = 2_000

interface CommitterOptions extends StoreWriterOptions {
  ledgers: ReadonlyMap<string, LedgerCore>
  clock: Clock
  auditRetentionSeconds: number
  /** Decides which lines about events are written. */
  bounds: AuditBounds
  /** The issuer's measured lead of a realm, in whole seconds. Default 0. */
  issuerLeadSeconds?: (realm: string) => number
  /**
   * Called after a batch's rows are durable and before any of its callers gets a response. `after` is the previous
   * head. Must not throw.
   */
  onCommitted: (realm: string, after: number) => void
  /** Reports the time of a recorded event if it differs from ours. Must not throw. */
  onTime?: (realm: string, time: EventTime) => void
}

interface RecordOptions {
  /**
   * A line written in the event's transaction, with the sequence that the caller gets. It is also written if the event
   * was already in force, except for the actor's own acts and a connector's: repeating those leaves no trace.
   */
  audit?: Omit<AuditEntry, 'realm' | 'at' | 'sequence'>
  /**
   * Throws to refuse an event in the current state. Earlier events are then in force, and nothing comes between this
   * call and the event.
   */
  guard?: () => void
  /**
   * Returns the messages to write in the event's transaction, also if the event was already in force. Only for stores
   * with an outbox. Must not throw.
   */
  outbox?: (staged: StagedTime) => readonly OutboxEntry[]
}

/** The time at which an event is recorded, and whether it changes anything. */
export interface StagedTime {
  state: 'new' | 'in_force'
  /** Unix seconds. */
  now: number
}

/** A caller waiting for an event, a line of the audit log, or both. */
interface Waiting {
  realm: string
  event: LedgerEvent | undefined
  guard: (() => void) | undefined
  outbox: RecordOptions['outbox']
  audit: Omit<AuditEntry, 'realm' | 'at'> | undefined
  /** The finding about the event's time, if any; set when it is staged. */
  time?: EventTime
  resolve: (recorded: Recorded) => void
  reject: (error: unknown) => void
}

/**
 * The only writer of the ledgers and the audit log. Events of the same few turns of the event loop are staged, written
 * in one durable transaction and committed together. If the store fails, none of them takes effect.
 */
export class Committer {
  readonly #options: CommitterOptions
  readonly #writer: StoreWriter
  readonly #queue: Waiting[] = []
  #running: Promise<void> | undefined
  #newest: Promise<unknown> | undefined
  /** The reason why nothing can be recorded any more. */
  #fault: PortcullisError | undefined
  #closed = false

  constructor(options: CommitterOptions) {
    this.#options = options
    this.#writer = new StoreWriter(options)
  }

  /**
   * Refuses all later events with `store_unavailable` after the core has failed, because the ledgers' memory is lost.
   */
  fail(error: PortcullisError): void {
    this.#fault ??= error
  }

  /**
   * Returns why the store cannot be written; `undefined` while it can. It retries a store that was unavailable, so that
   * the origin recovers even while a failing `/healthz` keeps requests away.
   */
  async failure(): Promise<PortcullisError | undefined> {
    if (this.#fault !== undefined) return this.#fault
    if (this.#writer.failure?.code === 'store_unavailable' && this.#running === undefined) await this.#writer.retry()
    return this.#writer.failure
  }

  /**
   * Records an event. Resolves when it is durable and in force here, even if it already was (`changed`: false). Rejects
   * with `unknown_realm`, `invalid_event`, `store_unavailable`, `closed` or the guard's error.
   */
  record(realm: string, event: LedgerEvent, { audit, guard, outbox }: RecordOptions = {}): Promise<Recorded> {
    return this.#ask({ realm, event, guard, outbox, audit: audit && { ...audit, actor: audit.actor ?? APPLICATION } })
  }

  /** Returns the head of a realm's ledger, for an act that needs no event. Throws `unknown_realm` or `closed`. */
  inForce(realm: string): Recorded {
    if (this.#closed) throw closed()
    return { realm, sequence: this.#ledger(realm).sequence, changed: false }
  }

  /** Adds a line to the audit log for an act outside the ledger. Resolves when it is durable; rejects like `record`. */
  async note({ realm, ...audit }: Omit<AuditEntry, 'at'>): Promise<void> {
    await this.#ask({ realm, event: undefined, guard: undefined, outbox: undefined, audit })
  }

  /** Resolves when all earlier calls have settled. */
  async written(): Promise<void> {
    await Promise.allSettled([this.#newest])
  }

  /** Deletes expired records, in memory and in the store. The audit log has its own retention. */
  async prune(): Promise<void> {
    const { store, ledgers, clock, auditRetentionSeconds } = this.#options
    const now = clock()
    for (const ledger of ledgers.values()) ledger.prune(now)
    while (!this.#closed && (await store.prune(now, PRUNE_ROWS)) === PRUNE_ROWS) await nextTurn()
    const before = now - auditRetentionSeconds
    while (!this.#closed && (await store.pruneAudit(before, PRUNE_ROWS)) === PRUNE_ROWS) await nextTurn()
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** Refuses later calls and resolves when the earlier ones have settled. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
  }

  #ask(asked: Omit<Waiting, 'resolve' | 'reject'>): Promise<Recorded> {
    if (this.#closed) return Promise.reject(closed())
    if (this.#fault !== undefined) return Promise.reject(coreFailed(this.#fault))
    if (!this.#options.ledgers.has(asked.realm)) return Promise.reject(unknownRealm())
    const recorded = new Promise<Recorded>((resolve, reject) => {
      this.#queue.push({ ...asked, resolve, reject })
      this.#running ??= this.#run()
    })
    this.#newest = recorded
    return recorded
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        await this.#gathered()
        const batch = this.#queue.splice(0, this.#turnLength())
        try {
          await this.#turn(batch)
        } catch (error) {
          // Has no effect on promises that are already settled.
          for (const { reject } of batch) reject(error)
        }
      }
    } finally {
      this.#running = undefined
    }
  }

  /** Waits while more callers arrive: a disk sync costs as much for one event as for all. */
  async #gathered(): Promise<void> {
    for (let turn = 0, before = 0; turn < MAX_GATHERING_TURNS && this.#queue.length > before; turn += 1) {
      before = this.#queue.length
      await nextTurn()
    }
  }

  /**
   * Returns the maximum number of events in the next batch. A guard reads the committed state, so it must be the first
   * of its batch.
   */
  #turnLength(): number {
    const most = this.#queue.slice(0, MAX_TURN_EVENTS)
    const guarded = most.findIndex(({ guard }, index) => index > 0 && guard !== undefined)
    return guarded === -1 ? MAX_TURN_EVENTS : guarded
  }

  async #turn(batch: readonly Waiting[]): Promise<void> {
    const staged = new Map<string, StagedRealm>()
    const waiting = batch.flatMap((asked) => {
      const outcome = this.#stage(asked, staged)
      return outcome === 'refused' ? [] : [{ ...asked, outcome }]
    })
    const at = this.#options.clock()
    const entries = waiting.flatMap(({ realm, event, audit, outcome, time }): AuditEntry[] => {
      if (audit === undefined) return []
      if (event === undefined) return [{ ...audit, realm, at }]
      if (outcome === 'in_force' && isRepeatedSilently(audit)) return []
      if (!this.#options.bounds.admits({ ...audit, realm })) return []
      const sequence = staged.get(realm)?.rows.at(-1)?.sequence ?? this.#ledger(realm).sequence
      return [{ ...audit, ...detailOf(audit, time), realm, at, sequence }]
    })
    try {
      if (staged.size > 0 || entries.length > 0) await this.#writer.write(staged, await storable(entries))
      for (const [realm, { rows }] of staged) if (rows.length > 0) this.#ledger(realm).commit()
    } catch (error) {
      for (const realm of staged.keys()) this.#abort(realm)
      const failure = error instanceof PortcullisError && error.code === 'fault' ? coreFailed(error) : error
      for (const entry of waiting) entry.reject(failure)
      return
    }
    for (const [realm, { after, rows }] of staged) if (rows.length > 0) this.#options.onCommitted(realm, after)
    for (const { realm, time } of waiting) if (time !== undefined) this.#options.onTime?.(realm, time)
    for (const { realm, outcome, resolve } of waiting)
      resolve({ realm, sequence: this.#ledger(realm).sequence, changed: outcome === 'new' })
  }

  /** Must not throw, because the callers of the batch still need a response. */
  #abort(realm: string): void {
    try {
      this.#ledger(realm).abort()
    } catch {
      // The core has failed, which has been reported; nothing more will be recorded.
    }
  }

  /**
   * Returns `refused` if the event's caller has already been rejected. Throws if the core has failed, which ends the
   * batch.
   */
  #stage(waiting: Waiting, staged: Map<string, StagedRealm>): 'new' | 'in_force' | 'refused' {
    const { realm, event, guard, outbox, reject } = waiting
    if (event === undefined) return 'new'
    const ledger = this.#ledger(realm)
    const known = staged.get(realm) ?? { after: ledger.sequence, rows: [], kinds: [], outbox: [] }
    try {
      guard?.()
    } catch (refusal) {
      reject(refusal)
      return 'refused'
    }
    try {
      const { clock, issuerLeadSeconds } = this.#options
      const now = clock()
      const fresh = stageEvent(ledger, event, now, issuerLeadSeconds?.(realm))
      const state = fresh === undefined ? 'in_force' : 'new'
      if (fresh?.time !== undefined) waiting.time = fresh.time
      if (fresh !== undefined) {
        known.rows.push(fresh.row)
        known.kinds.push(event.kind)
      }
      known.outbox.push(...(outbox?.({ state, now }) ?? []))
      if (known.rows.length > 0 || known.outbox.length > 0) staged.set(realm, known)
      return state
    } catch (cause) {
      if (cause instanceof PortcullisError && cause.code === 'fault') throw coreFailed(cause)
      const detail = coreCode(cause) ?? 'refused'
      const why =
        detail === 'too_many'
          ? 'the feed cannot carry more events of this kind: remove those that are no longer needed with a correction'
          : detail
      reject(new PortcullisError('invalid_event', `the event cannot be recorded: ${why}`, { detail, cause }))
      return 'refused'
    }
  }

  #ledger(realm: string): LedgerCore {
    const ledger = this.#options.ledgers.get(realm)
    if (ledger === undefined) throw unknownRealm()
    return ledger
  }
}

/** Puts the finding on the event's time, if any, before the line's own detail. */
function detailOf({ detail }: Pick<AuditEntry, 'detail'>, time: EventTime | undefined): Pick<AuditEntry, 'detail'> {
  if (time === undefined) return {}
  return { detail: detail === undefined ? time.taken : `${time.taken} ${detail}` }
}

function coreFailed(cause: PortcullisError): PortcullisError {
  return new PortcullisError('store_unavailable', cause.message, { detail: 'core_failed', cause })
}

function closed(): PortcullisError {
  return new PortcullisError('closed', 'the origin is closed')
}

function unknownRealm(): PortcullisError {
  return new PortcullisError('unknown_realm', 'unknown realm')
}

/** Read at import, before a test replaces the timers. */
const { setImmediate: afterIo = (resolve: () => void) => setTimeout(resolve, 0) } = globalThis

/** Resolves after the I/O of this turn: requests that arrived together are then all queued. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => void afterIo(resolve))
}
