/** Where a realm's ledger stands in the store. */
export interface StoredHead {
  /** The realm's issuer: a name may not silently change hands. */
  issuer: string
  /** Counts restored backups; the high bits of every sequence. */
  incarnation: number
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
  /** At least one, in order of sequence; the last one is the new head. */
  rows: readonly StoredRow[]
}

/**
 * Keeps the ledgers of an origin. A store has one writer: `open` refuses with `store_locked` while another one holds
 * it, and a writer that crashed holds nothing. Failures are `PortcullisError`s with code `store_unavailable`,
 * `store_corrupt` or `store_newer` whose message names the fix.
 */
export interface RevocationStore {
  open(): void | Promise<void>
  /** `undefined`: the realm is new here. */
  load(realm: string): StoredRealm | undefined | Promise<StoredRealm | undefined>
  /** Records the head of a new realm, or of a new incarnation of one. */
  setHead(realm: string, head: StoredHead): void | Promise<void>
  /**
   * Writes all rows and the heads they lead to, or nothing. When it returns (or its promise resolves) they survive the
   * loss of power.
   */
  append(batches: readonly RealmRows[]): void | Promise<void>
  /** Writes what changes nothing, to see whether the store takes writes. */
  probe(): void | Promise<void>
  /** Deletes at most `limit` rows whose `keepUntil` lies before `now`; answers how many it was. Heads stay. */
  prune(now: number, limit: number): number | Promise<number>
  close(): void | Promise<void>
}
