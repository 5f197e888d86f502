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

/** Events written in one transaction at the most, so that one turn stays short. */
const MAX_TURN_EVENTS = 4_096
/**
 * Turns of the event loop in which a transaction waits for more, at the most: those who ask at once come in two or
 * three.
 */
const MAX_GATHERING_TURNS = 4
/** Rows deleted at a time: pruning must not hold up revocations. */
const PRUNE_ROWS = 2_000

export interface CommitterOptions extends StoreWriterOptions {
  ledgers: ReadonlyMap<string, LedgerCore>
  clock: Clock
  auditRetentionSeconds: number
  /** Which lines about events are written. */
  bounds: AuditBounds
  /** How far a realm's issuer is ahead, as measured, in whole seconds. Default 0. */
  issuerLeadSeconds?: (realm: string) => number
  /**
   * Runs after a turn's rows are durable and before any of its callers is answered. `after` is the head before. Must
   * not throw.
   */
  onCommitted: (realm: string, after: number) => void
  /** Reports the time of a recorded event that differs from ours. Must not throw. */
  onTime?: (realm: string, time: EventTime) => void
}

export interface RecordOptions {
  /**
   * Written in the event's transaction, with the sequence that the caller gets; also when it was in force already,
   * unless it is the actor's own act, or a connector's: repeating that leaves no trace.
   */
  audit?: Omit<AuditEntry, 'realm' | 'at' | 'sequence'>
  /**
   * Throws to refuse an event in the present state. Earlier events are in force then, and nothing comes
   * between this and the event.
   */
  guard?: () => void
  /**
   * Makes the messages that are written in the event's transaction, also when it was in force already. Only for stores
   * with an outbox. Must not throw.
   */
  outbox?: (staged: StagedTime) => readonly OutboxEntry[]
}

/** When an event is recorded, and whether it changes anything. */
export interface StagedTime {
  state: 'new' | 'in_force'
  /** Unix seconds. */
  now: number
}

/** A caller that waits: for an event, a line of the audit log, or both. */
interface Waiting {
  realm: string
  event: LedgerEvent | undefined
  guard: (() => void) | undefined
  outbox: RecordOptions['outbox']
  audit: Omit<AuditEntry, 'realm' | 'at'> | undefined
  /** The report about its time, if any; set when it is staged. */
  time?: EventTime
  resolve: (recorded: Recorded) => void
  reject: (error: unknown) => void
}

/**
 * The one way into the ledgers and the audit log. Events of the same few turns of the event loop are staged,
 * written in one durable transaction and committed together; when the store fails nothing of it has happened.
 */
export class Committer {
  readonly #options: CommitterOptions
  readonly #writer: StoreWriter
  readonly #queue: Waiting[] = []
  #running: Promise<void> | undefined
  #newest: Promise<unknown> | undefined
  /** Why nothing is recorded any more. */
  #fault: PortcullisError | undefined
  #closed = false

  constructor(options: CommitterOptions) {
    this.#options = options
    this.#writer = new StoreWriter(options)
  }

  /** The core has failed: refuses all later events with `store_unavailable`, for the ledgers' memory is lost. */
  fail(error: PortcullisError): void {
    this.#fault ??= error
  }

  /**
   * Why the store takes no writes; `undefined` while it does. A store that was unavailable is tried again here, so that
   * the origin recovers also while a failing `/healthz` keeps requests away.
   */
  async failure(): Promise<PortcullisError | undefined> {
    if (this.#fault !== undefined) return this.#fault
    if (this.#writer.failure?.code === 'store_unavailable' && this.#running === undefined) await this.#writer.retry()
    return this.#writer.failure
  }

  /**
   * Records an event. Resolves when it is durable and in force here, also when it was already (`changed`: false).
   * Rejects with `unknown_realm`, `invalid_event`, `store_unavailable`, `closed` or the guard's error.
   */
  record(realm: string, event: LedgerEvent, { audit, guard, outbox }: RecordOptions = {}): Promise<Recorded> {
    return this.#ask({ realm, event, guard, outbox, audit: audit && { ...audit, actor: audit.actor ?? APPLICATION } })
  }

  /** The head of a realm's ledger, for an act that needs no event. Throws `unknown_realm` or `closed`. */
  inForce(realm: string): Recorded {
    if (this.#closed) throw closed()
    return { realm, sequence: this.#ledger(realm).sequence, changed: false }
  }

  /** Adds a line to the audit log about an act outside the ledger. Resolves when it is durable; rejects likewise. */
  async note({ realm, ...audit }: Omit<AuditEntry, 'at'>): Promise<void> {
    await this.#ask({ realm, event: undefined, guard: undefined, outbox: undefined, audit })
  }

  /** Resolves when all earlier calls have settled. */
  async written(): Promise<void> {
    await Promise.allSettled([this.#newest])
  }

  /** Drops expired records, in memory and in the store. The audit log has a retention of its own. */
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
          // Promises that are settled stay so.
          for (const { reject } of batch) reject(error)
        }
      }
    } finally {
      this.#running = undefined
    }
  }

  /** Waits while more comes: a sync of the disk costs as much for one event as for all. */
  async #gathered(): Promise<void> {
    for (let turn = 0, before = 0; turn < MAX_GATHERING_TURNS && this.#queue.length > before; turn += 1) {
      before = this.#queue.length
      await nextTurn()
    }
  }

  /** A guard reads the committed state: it begins a turn. */
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

  /** Must not throw: the callers of the turn still have to be answered. */
  #abort(realm: string): void {
    try {
      this.#ledger(realm).abort()
    } catch {
      // The core has failed, which has been reported; nothing will be recorded any more.
    }
  }

  /** `refused`: the event's caller is answered already. Throws when the core has failed: the turn is over then. */
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
          ? 'the feed has as many of its kind as it can carry: correct what is not needed any more'
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

/** Puts the code about the event's time, if there is one, before the line's own detail. */
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

/** After the I/O of this turn: requests that arrived together are then all queued. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => void afterIo(resolve))
}
