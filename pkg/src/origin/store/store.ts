import { invalid } from '../../options.ts'
import type { AuditEntry, AuditQuery, StoredAuditEntry } from './audit-entry.ts'
import type { StoredState } from './connector-state.ts'
import type { OutboxEntry, OutboxQuery, StoredOutboxEntry } from './outbox.ts'

/** Sequences are incarnation * 2^40 + n and stay below 2^53. */
export const SEQUENCES_PER_INCARNATION: number = 2 ** 40
export const MAX_INCARNATION: number = 2 ** 13 - 1

/** Where a realm's ledger stands in the store. */
export interface StoredHead {
  /** The realm's issuer: a name must not pass to another issuer unnoticed. */
  issuer: string
  /** Counts restored backups; the high bits of every sequence. */
  incarnation: number
  /** May be of an earlier incarnation: then the origin is to begin `incarnation`. */
  sequence: number
  /** 16 bytes. */
  chain: Uint8Array
}

/** One recorded event. */
export interface StoredRow {
  sequence: number
  /** Unix seconds after which the row may be pruned; `undefined`: never. */
  keepUntil?: number
  /** The event as the core encodes it; opaque to the store. */
  payload: Uint8Array
  /** The hash chain after this row, 16 bytes. */
  chain: Uint8Array
}

export interface StoredRealm {
  head: StoredHead
  /** In order of sequence. Read to the end before the next call. */
  rows: Iterable<StoredRow> | AsyncIterable<StoredRow>
}

/** New rows of one realm. */
export interface RealmRows {
  realm: string
  /** The head these rows follow. The store refuses them when its own head is another. */
  after: number
  /** In order of sequence; the last one is the new head. At least one, unless something goes to the outbox. */
  rows: readonly StoredRow[]
  /** Messages to send elsewhere because of it. Only for stores that have the members for connectors. */
  outbox?: readonly OutboxEntry[]
}

/**
 * Keeps the ledgers of an origin and its audit log. A store has one writer: `open` refuses with `store_locked` while
 * another one holds it, and a writer that crashed holds nothing. Failures are `PortcullisError`s with code
 * `store_unavailable`, `store_corrupt` or `store_newer` whose message names the fix.
 */
export interface RevocationStore {
  open(): void | Promise<void>
  /** `undefined`: the realm is new here. */
  load(realm: string): StoredRealm | undefined | Promise<StoredRealm | undefined>
  /** Records the head of a new realm, or of a new incarnation of one. */
  setHead(realm: string, head: StoredHead): void | Promise<void>
  /**
   * Writes all rows, the heads they lead to, entries of the outbox and all lines of the audit log, or nothing. When it
   * returns (or its promise resolves) they survive the loss of power. There may be lines without rows.
   */
  append(batches: readonly RealmRows[], entries?: readonly AuditEntry[]): void | Promise<void>
  /** Writes without a change, to see whether the store takes writes. */
  probe(): void | Promise<void>
  /** Deletes at most `limit` rows whose `keepUntil` lies before `now`; answers how many it was. Heads stay. */
  prune(now: number, limit: number): number | Promise<number>
  /** Newest first: by time, then by id. */
  auditEntries(query: AuditQuery): StoredAuditEntry[] | Promise<StoredAuditEntry[]>
  /** Deletes at most `limit` lines made before `before` (unix seconds), oldest first; answers how many it was. */
  pruneAudit(before: number, limit: number): number | Promise<number>
  /** Writes a consistent copy to a file that must not exist yet, while the store goes on. */
  backup?(path: string): Promise<void>
  close(): void | Promise<void>

  // For connectors: a store has all of these or none.

  /** The value written last under that name; `undefined`: none yet. */
  readState?(realm: string, name: string): StoredState | undefined | Promise<StoredState | undefined>
  /**
   * Writes durably if the version stored is `expected` (0: nothing is stored yet), and answers the new version;
   * `undefined`: the version differs, and nothing was written. Fails with `too_large` beyond 1 MiB, or `invalid_option`
   * for a name that has not 1 to 1,024 bytes.
   */
  writeState?(
    realm: string,
    name: string,
    value: Uint8Array,
    expected: number,
  ): number | undefined | Promise<number | undefined>
  /** Entries of one queue in order of their ids. They stay until they are acknowledged. */
  outboxEntries?(query: OutboxQuery): StoredOutboxEntry[] | Promise<StoredOutboxEntry[]>
  /** Deletes an entry that was delivered; `false`: it was gone. */
  acknowledgeOutbox?(id: number): boolean | Promise<boolean>
  /** Counts a failed attempt, and holds the entry back until `dueAt` (unix seconds); `false`: it was gone. */
  postponeOutbox?(id: number, dueAt: number): boolean | Promise<boolean>
}

/** A store with all that connectors need. */
export type ConnectorStore = RevocationStore & Required<Pick<RevocationStore, (typeof CONNECTOR_METHODS)[number]>>

/** The same store, if connectors can use it. Throws `invalid_option`, naming the members that are missing. */
export function connectorStore(store: RevocationStore, connector: string): ConnectorStore {
  const missing = CONNECTOR_METHODS.filter((method) => typeof store[method] !== 'function')
  if (missing.length === 0) return store as ConnectorStore
  throw invalid(`${connector} needs a store that keeps state and an outbox: options.store has no ${missing.join(', ')}`)
}

const CONNECTOR_METHODS = ['readState', 'writeState', 'outboxEntries', 'acknowledgeOutbox', 'postponeOutbox'] as const

/** The interface of a store. */
export const STORE_METHODS: readonly (keyof RevocationStore)[] = [
  'open',
  'load',
  'setHead',
  'append',
  'probe',
  'prune',
  'auditEntries',
  'pruneAudit',
  'close',
]
