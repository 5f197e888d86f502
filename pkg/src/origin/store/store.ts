import { invalid } from '../../options.ts'
import type { AuditEntry, AuditQuery, StoredAuditEntry } from './audit-entry.ts'
import type { StoredState } from './connector-state.ts'
import type { OutboxEntry, OutboxQuery, StoredOutboxEntry } from './outbox.ts'

/** Sequences are incarnation * 2^40 + n and stay below 2^53. */
export const SEQUENCES_PER_INCARNATION: number = 2 ** 40
export const MAX_INCARNATION: number = 2 ** 13 - 1

/** The position of a realm's ledger in the store. */
export interface StoredHead {
  /** The realm's issuer, so that a realm name cannot pass to another issuer unnoticed. */
  issuer: string
  /** The number of restored backups; the high bits of every sequence. */
  incarnation: number
  /** May be of an earlier incarnation: the origin then begins `incarnation`. */
  sequence: number
  /** 16 bytes. */
  chain: Uint8Array
}

/** One recorded event. */
export interface StoredRow {
  sequence: number
  /** Unix seconds after which the row may be pruned; `undefined` if never. */
  keepUntil?: number
  /** The event as the core encodes it; opaque to the store. */
  payload: Uint8Array
  /** The hash chain after this row, 16 bytes. */
  chain: Uint8Array
}

export interface StoredRealm {
  head: StoredHead
  /** In order of sequence. Must be read to the end before the next call. */
  rows: Iterable<StoredRow> | AsyncIterable<StoredRow>
}

/** New rows of one realm. */
export interface RealmRows {
  realm: string
  /** The head that these rows follow. The store refuses them if its own head is another one. */
  after: number
  /** In order of sequence; the last one is the new head. At least one, unless something goes to the outbox. */
  rows: readonly StoredRow[]
  /** Messages to send elsewhere because of these events. Only for stores that have the members for connectors. */
  outbox?: readonly OutboxEntry[]
}

/**
 * Keeps the ledgers of an origin and its audit log. A store has one writer: `open` fails with `store_locked` while
 * another one holds it, and a crashed writer holds nothing. Failures are `PortcullisError`s with code
 * `store_unavailable`, `store_corrupt` or `store_newer` whose message names the fix.
 */
export interface RevocationStore {
  open(): void | Promise<void>
  /** Returns `undefined` if the realm is new here. */
  load(realm: string): StoredRealm | undefined | Promise<StoredRealm | undefined>
  /** Records the head of a new realm, or of a new incarnation of one. */
  setHead(realm: string, head: StoredHead): void | Promise<void>
  /**
   * Writes all rows, the heads to which they lead, outbox entries and audit log lines, or nothing. When it returns (or
   * its promise resolves) they survive a power failure. Lines without rows are allowed.
   */
  append(batches: readonly RealmRows[], entries?: readonly AuditEntry[]): void | Promise<void>
  /** Performs a write that changes nothing, to check whether the store can be written. */
  probe(): void | Promise<void>
  /** Deletes at most `limit` rows whose `keepUntil` is before `now`, and returns their number. Heads stay. */
  prune(now: number, limit: number): number | Promise<number>
  /** Returns lines newest first: by time, then by id. */
  auditEntries(query: AuditQuery): StoredAuditEntry[] | Promise<StoredAuditEntry[]>
  /** Deletes at most `limit` lines made before `before` (unix seconds), oldest first, and returns their number. */
  pruneAudit(before: number, limit: number): number | Promise<number>
  /** Writes a consistent copy to a file that must not exist yet, while the store stays in use. */
  backup?(path: string): Promise<void>
  close(): void | Promise<void>

  // For connectors. A store has all of these members or none.

  /** Returns the value last written under that name; `undefined` if there has been no write. */
  readState?(realm: string, name: string): StoredState | undefined | Promise<StoredState | undefined>
  /**
   * Writes durably if the stored version is `expected` (0 if nothing is stored yet), and returns the new version.
   * Returns `undefined` if the version differs; then nothing was written. Fails with `too_large` beyond 1 MiB, or
   * `invalid_option` for a name that does not have 1 to 1,024 bytes.
   */
  writeState?(
    realm: string,
    name: string,
    value: Uint8Array,
    expected: number,
  ): number | undefined | Promise<number | undefined>
  /** Returns entries of one queue in order of id. They stay until they are acknowledged. */
  outboxEntries?(query: OutboxQuery): StoredOutboxEntry[] | Promise<StoredOutboxEntry[]>
  /** Deletes a delivered entry; returns `false` if it no longer existed. */
  acknowledgeOutbox?(id: number): boolean | Promise<boolean>
  /**
   * Counts a failed attempt, and holds the entry back until `dueAt` (unix seconds); returns `false` if it no longer
   * existed.
   */
  postponeOutbox?(id: number, dueAt: number): boolean | Promise<boolean>
}

/** A store with everything that connectors need. */
export type ConnectorStore = RevocationStore & Required<Pick<RevocationStore, (typeof CONNECTOR_METHODS)[number]>>

/**
 * Returns the store, typed for connectors. Throws `invalid_option` naming the missing members if connectors cannot use
 * it.
 */
export function connectorStore(store: RevocationStore, connector: string): ConnectorStore {
  const missing = CONNECTOR_METHODS.filter((method) => typeof store[method] !== 'function')
  if (missing.length === 0) return store as ConnectorStore
  throw invalid(`${connector} needs a store that keeps state and an outbox: options.store has no ${missing.join(', ')}`)
}

const CONNECTOR_METHODS = ['readState', 'writeState', 'outboxEntries', 'acknowledgeOutbox', 'postponeOutbox'] as const

/** The required methods of a store. */
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
