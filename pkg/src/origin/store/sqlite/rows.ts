import { bytesOf, type Database, integerOf, type Row, type Statement, textOf } from './database.ts'
import { CHAIN_BYTES, PageMaker, PagedRows, type RowPage } from '../row-pages.ts'
import type { StoredRow } from '../store.ts'

/** The number of rows read at a time, so that loading holds no statement open. */
const PAGE_ROWS = 4_096
/**
 * The longest payload that is read by columns, which keeps the strings of a page below 10 MB. Nearly all payloads have
 * about 60 bytes.
 */
const MAX_PAYLOAD_BYTES = 1_024

const PAGE =
  'SELECT sequence, keep_until, payload, chain FROM revocation_rows WHERE realm = ? AND sequence > ? ORDER BY sequence LIMIT ?'
/**
 * If this omits a payload, the strings of a page are shorter than its lengths say. Only blobs compare as `x''` or more.
 */
const IS_PLAIN = `length(payload) <= ${MAX_PAYLOAD_BYTES} AND payload >= x'' AND chain >= x''`

/** Reads the rows of a store in SQLite. */
export class SqliteRows {
  readonly #page: Statement
  readonly #columns: Statement

  constructor(database: Database) {
    this.#page = database.prepare(PAGE)
    // Reads three strings per page instead of an object and two buffers per row: a third of the time. They are
    // hexadecimal, because some drivers truncate a string at a NUL. Rows are joined in the order of the inner query; if
    // that were ever different, the ledger would refuse them.
    this.#columns = database.prepare(
      `SELECT count(*) AS row_count, max(sequence) AS last, group_concat(sequence) AS sequences,
         group_concat(length(payload)) AS lengths,
         group_concat(hex(chain) || CASE WHEN ${IS_PLAIN} THEN hex(payload) ELSE '' END, '') AS contents
       FROM (${PAGE})`,
    )
  }

  /**
   * Returns all rows of a realm in order of sequence. Iterating over them throws the database's errors, and
   * `store_corrupt`.
   */
  of(realm: string): PagedRows {
    return new PagedRows(
      () => this.#rows(realm),
      () => this.#pages(realm),
    )
  }

  *#rows(realm: string): Generator<StoredRow> {
    let after = 0
    for (;;) {
      const page = this.#page.all(realm, after, PAGE_ROWS)
      for (const found of page) {
        const row = rowOf(found)
        after = row.sequence
        yield row
      }
      if (page.length < PAGE_ROWS) return
    }
  }

  *#pages(realm: string): Generator<RowPage> {
    let after = 0
    for (;;) {
      const found = this.#columns.get(realm, after, PAGE_ROWS)
      const count = found === undefined ? 0 : integerOf(found, 'row_count')
      if (found === undefined || count === 0) return
      yield pageOf(found) ?? this.#pageByRows(realm, after)
      if (count < PAGE_ROWS) return
      after = integerOf(found, 'last')
    }
  }

  /** Reads pages with long payloads, or with an invalid value, which the error then names. */
  #pageByRows(realm: string, after: number): RowPage {
    const maker = new PageMaker()
    for (const found of this.#page.all(realm, after, PAGE_ROWS)) maker.add(rowOf(found))
    return maker.take()
  }
}

function rowOf(found: Row): StoredRow {
  const row: StoredRow = {
    sequence: integerOf(found, 'sequence'),
    payload: bytesOf(found, 'payload'),
    chain: bytesOf(found, 'chain'),
  }
  if (found['keep_until'] !== null) row.keepUntil = integerOf(found, 'keep_until')
  return row
}

/** Returns `undefined` if a payload was omitted, or a chain hash has the wrong length. */
function pageOf(found: Row): RowPage | undefined {
  const count = integerOf(found, 'row_count')
  const lengths = listed(textOf(found, 'lengths'), new Uint32Array(count))
  const contents = Buffer.from(textOf(found, 'contents'), 'hex')
  const payloadBytes = lengths.reduce((sum, length) => sum + length, 0)
  if (contents.byteLength !== count * CHAIN_BYTES + payloadBytes) return undefined
  return { sequences: listed(textOf(found, 'sequences'), new Float64Array(count)), lengths, contents }
}

const COMMA = 44
const ZERO = 48

/** Parses whole numbers separated by commas. */
function listed<Numbers extends Float64Array | Uint32Array>(text: string, into: Numbers): Numbers {
  let [index, number] = [0, 0]
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code !== COMMA) number = number * 10 + code - ZERO
    else {
      into[index] = number
      index += 1
      number = 0
    }
  }
  into[index] = number
  return into
}
