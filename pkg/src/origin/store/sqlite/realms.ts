import { bytesOf, castTextOf, type Database, integerOf, type Statement } from './database.ts'
import { SqliteRows } from './rows.ts'
import type { StoredRealm } from '../store.ts'

/** Reads the stored data of a realm. */
export class SqliteRealms {
  readonly #head: Statement
  readonly #rows: SqliteRows

  constructor(database: Database) {
    this.#head = database.prepare(
      'SELECT CAST(issuer AS BLOB) AS issuer, incarnation, sequence, chain FROM revocation_heads WHERE realm = ?',
    )
    this.#rows = new SqliteRows(database)
  }

  load(realm: string): StoredRealm | undefined {
    const found = this.#head.get(realm)
    if (found === undefined) return undefined
    const head = {
      issuer: castTextOf(found, 'issuer'),
      incarnation: integerOf(found, 'incarnation'),
      sequence: integerOf(found, 'sequence'),
      chain: bytesOf(found, 'chain'),
    }
    return { head, rows: this.#rows.of(realm) }
  }

  /** Returns `undefined` if the store has no such realm. */
  sequence(realm: string): number | undefined {
    const found = this.#head.get(realm)
    return found === undefined ? undefined : integerOf(found, 'sequence')
  }
}
