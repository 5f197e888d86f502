import { PortcullisError } from '../../errors.ts'
import type { StoredRow } from './store.ts'

/** Rows in order of sequence, as columns: a million rows one by one would each need a few objects. */
export interface RowPage {
  sequences: Float64Array
  /** The length of each payload, in bytes. */
  lengths: Uint32Array
  /** For each row its chain hash, 16 bytes, followed by its payload. */
  contents: Uint8Array
}

/**
 * The rows of a store that can also read them by pages. The rows themselves offer the pages, so a store that wraps
 * another one and inspects each row returns rows of its own, which are read one by one.
 */
export class PagedRows implements Iterable<StoredRow> {
  readonly #rows: () => Iterator<StoredRow>
  readonly #pages: () => Iterable<RowPage>

  /** Both return all rows. */
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

/** Assembles rows into a page. */
export class PageMaker {
  #rows: StoredRow[] = []
  #bytes = 0

  /** Throws `store_corrupt`. */
  add(row: StoredRow): void {
    if (row.chain.byteLength !== CHAIN_BYTES) {
      throw new PortcullisError(
        'store_corrupt',
        `row ${row.sequence}: its chain hash does not have ${CHAIN_BYTES} bytes: restore a backup`,
      )
    }
    this.#rows.push(row)
    this.#bytes += CHAIN_BYTES + row.payload.byteLength
  }

  get isFull(): boolean {
    return this.#rows.length >= PAGE_ROWS || this.#bytes >= PAGE_BYTES
  }

  /** Returns the rows so far, and starts a new page. */
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
