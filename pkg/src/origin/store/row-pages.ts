import { PortcullisError } from '../../errors.ts'
import type { StoredRow } from './store.ts'

/** Rows in order of sequence, by their parts: a million rows one by one would each be a few objects. */
export interface RowPage {
  sequences: Float64Array
  /** Of each payload, in bytes. */
  lengths: Uint32Array
  /** Of each row its chain hash, 16 bytes, with its payload behind it. */
  contents: Uint8Array
}

/**
 * Rows of a store that can read them by pages too. It is the rows that know it: a store that wraps another and looks at
 * each row makes rows of its own, and those are taken one by one.
 */
export class PagedRows implements Iterable<StoredRow> {
  readonly #rows: () => Iterator<StoredRow>
  readonly #pages: () => Iterable<RowPage>

  /** Both answer all rows. */
  constructor(rows: () => Iterator<StoredRow>, pages: () => Iterable<RowPage>) {
    this.#rows = rows
    this.#pages = pages
  }

  [Symbol.iterator](): Iterator<StoredRow> {
    return this.#rows()
  }

  pages(): Iterable<RowPage> {
    return this.#pages()
  }
}

export const CHAIN_BYTES = 16
/** Maximum bytes of a page, except for the row that fills it. */
const PAGE_ROWS = 4_096
const PAGE_BYTES = 1_048_576

/** Puts rows together to a page. */
export class PageMaker {
  #rows: StoredRow[] = []
  #bytes = 0

  /** Throws `store_corrupt`. */
  add(row: StoredRow): void {
    if (row.chain.byteLength !== CHAIN_BYTES) {
      throw new PortcullisError(
        'store_corrupt',
        `row ${row.sequence}: its chain hash has not ${CHAIN_BYTES} bytes: restore a backup`,
      )
    }
    this.#rows.push(row)
    this.#bytes += CHAIN_BYTES + row.payload.byteLength
  }

  get isFull(): boolean {
    return this.#rows.length >= PAGE_ROWS || this.#bytes >= PAGE_BYTES
  }

  /** The rows so far, and begins anew. */
  take(): RowPage {
    const rows = this.#rows
    const page: RowPage = {
      sequences: new Float64Array(rows.length),
      lengths: new Uint32Array(rows.length),
      contents: new Uint8Array(this.#bytes),
    }
    let at = 0
    rows.forEach(({ sequence, payload, chain }, index) => {
      page.sequences[index] = sequence
      page.lengths[index] = payload.byteLength
      page.contents.set(chain, at)
      page.contents.set(payload, at + CHAIN_BYTES)
      at += CHAIN_BYTES + payload.byteLength
    })
    this.#rows = []
    this.#bytes = 0
    return page
  }
}
