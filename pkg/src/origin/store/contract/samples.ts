// Heads, rows and audit entries that the cases write, and functions that read them back.

import type { AuditEntry, AuditQuery, StoredAuditEntry } from '../audit-entry.ts'
import { PagedRows, type RowPage } from '../row-pages.ts'
import { CHAIN_BYTES } from '../row-pages.ts'
import type { RealmRows, RevocationStore, StoredHead, StoredRow } from '../store.ts'

/** One promise of a store, as a test. */
export interface Case {
  name: string
  run(subject: Subject): Promise<void>
}

/** A new store, open. The contract closes and disposes of it. */
export interface Subject {
  readonly store: RevocationStore
  /** Closes the store and opens it again, through another object if possible. */
  reopened(): Promise<RevocationStore>
  /**
   * Returns another object over the same data, not open; `undefined` if only the store's own object can access the
   * data.
   */
  other(): Promise<RevocationStore | undefined>
}

export const HEAD: StoredHead = {
  issuer: 'https://issuer.test',
  incarnation: 0,
  sequence: 0,
  chain: new Uint8Array(CHAIN_BYTES),
}

/** Returns the head after a row. */
export function headAt(sequence: number): StoredHead {
  return { ...HEAD, sequence, chain: chainOf(sequence) }
}

/** Returns a row that is identified by its bytes, including some that are not valid UTF-8. */
export function row(sequence: number, keepUntil?: number, length: number = 5 + (sequence % 50)): StoredRow {
  const payload = Uint8Array.from({ length }, (_, at) => (sequence * 31 + at * 7) & 0xff)
  if (length > 2) payload.set([0, 0xff, 0xc3])
  const bytes = { payload, chain: chainOf(sequence) }
  return keepUntil === undefined ? { sequence, ...bytes } : { sequence, keepUntil, ...bytes }
}

export function rows(from: number, to: number): StoredRow[] {
  return Array.from({ length: to - from + 1 }, (_, index) => row(from + index))
}

/** Returns rows of `acme`, or of another realm, that follow `after`. */
export function batch(after: number, added: readonly StoredRow[], realm = 'acme'): RealmRows {
  return { realm, after, rows: added }
}

export function entry(at: number, more: Partial<AuditEntry> = {}): AuditEntry {
  return { realm: 'acme', at, action: 'login', ...more }
}

export async function headOf(store: RevocationStore, realm = 'acme'): Promise<StoredHead | undefined> {
  return (await store.load(realm))?.head
}

/** Returns copies of all rows, read one by one: a store may reuse a buffer for the next row. */
export async function rowsOf(store: RevocationStore, realm = 'acme'): Promise<StoredRow[] | undefined> {
  const found = await store.load(realm)
  if (found === undefined) return undefined
  const read: StoredRow[] = []
  for await (const each of found.rows)
    read.push({ ...each, payload: new Uint8Array(each.payload), chain: new Uint8Array(each.chain) })
  return read
}

/** Returns all rows read by pages, without `keepUntil`; `undefined` if the store reads them only one by one. */
export async function pagedRowsOf(store: RevocationStore, realm = 'acme'): Promise<StoredRow[] | undefined> {
  const found = await store.load(realm)
  return found?.rows instanceof PagedRows ? [...found.rows.pages()].flatMap(rowsOfPage) : undefined
}

function rowsOfPage({ sequences, lengths, contents }: RowPage): StoredRow[] {
  let at = 0
  return Array.from(sequences, (sequence, index) => {
    const [begin, end] = [at + CHAIN_BYTES, at + CHAIN_BYTES + (lengths[index] ?? 0)]
    const read = {
      sequence,
      payload: new Uint8Array(contents.subarray(begin, end)),
      chain: new Uint8Array(contents.subarray(at, begin)),
    }
    at = end
    return read
  })
}

export async function entriesOf(store: RevocationStore, query: Partial<AuditQuery> = {}): Promise<StoredAuditEntry[]> {
  return store.auditEntries({ realm: 'acme', limit: 1_000, ...query })
}

/** Returns the times of the entries that a query finds. */
export async function timesOf(store: RevocationStore, query: Partial<AuditQuery> = {}): Promise<number[]> {
  return (await entriesOf(store, query)).map(({ at }) => at)
}

/** Names that a layer could fold, truncate or quote incorrectly: all distinct, each valid. */
export const NAMES: readonly string[] = [
  'acme',
  'Acme',
  'acme ',
  'ac%me',
  'ac_me',
  "o'hara",
  '"quoted"',
  'back\\slash',
  'line\nbreak',
  'nul\u0000a',
  'nul\u0000b',
  'é',
  'e\u0301',
  '名前',
  '\u{1F600}',
  '\u{1F601}',
  '__proto__',
  `${'x'.repeat(1_023)}a`,
  `${'x'.repeat(1_023)}b`,
]

function chainOf(sequence: number): Uint8Array {
  return Uint8Array.from({ length: CHAIN_BYTES }, (_, at) => (Math.floor(sequence / 2 ** (8 * (at % 6))) + at) & 0xff)
}
