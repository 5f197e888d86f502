import type { AuditAction, AuditEntry, AuditQuery, StoredAuditEntry } from '../audit-entry.ts'
import { castTextOf, type Database, integerOf, type Row, type Statement, type Value } from './database.ts'

/** Columns with an index of their own, most selective first. */
const INDEXED = ['subject', 'actor', 'action'] as const
const TEXTS = ['realm', 'action', 'actor', 'subject', 'reason', 'address', 'detail'] as const
const COLUMNS = `id, at, sequence, ${TEXTS.map((name) => `CAST(${name} AS BLOB) AS ${name}_utf8`).join(', ')}`

/** The audit log in a SQLite file. */
export class SqliteAudit {
  readonly #database: Database
  readonly #insert: Statement
  readonly #timeOf: Statement
  readonly #prune: Statement
  /** Prepared statements, keyed by the set of columns in a query. */
  readonly #queries = new Map<string, Statement>()

  constructor(database: Database) {
    this.#database = database
    this.#insert = database.prepare('INSERT INTO audit_entries VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
    this.#timeOf = database.prepare('SELECT at FROM audit_entries WHERE id = ?')
    this.#prune = database.prepare(
      'DELETE FROM audit_entries WHERE id IN (SELECT id FROM audit_entries WHERE at < ? ORDER BY at, id LIMIT ?)',
    )
  }

  /** Runs within the caller's transaction. */
  append(entries: readonly AuditEntry[]): void {
    for (const entry of entries) {
      const { realm, at, action, actor = null, subject = null, sequence = null } = entry
      const { reason = null, address = null, detail = null } = entry
      this.#insert.run(realm, at, action, actor, subject, sequence, reason, address, detail)
    }
  }

  entries(query: AuditQuery): StoredAuditEntry[] {
    const named = INDEXED.filter((column) => query[column] !== undefined)
    const values: Value[] = [query.realm, ...named.map((column) => query[column] ?? null)]
    const { at, id } = this.#start(query.before)
    const { from = 0, to = Number.MAX_SAFE_INTEGER, limit } = query
    return this.#query(named)
      .all(...values, from, to, at, id, limit)
      .map(entryOf)
  }

  prune(before: number, limit: number): number {
    return Number(this.#prune.run(before, limit).changes)
  }

  /**
   * Returns the time that a line must be older than. Lines are pruned oldest first: if this one is gone, so are all
   * before it.
   */
  #start(before: number | undefined): { at: number; id: number } {
    const newest = { at: Number.MAX_SAFE_INTEGER, id: 0 }
    if (before === undefined) return newest
    const found = this.#timeOf.get(before)
    if (found !== undefined) return { at: integerOf(found, 'at'), id: before }
    const last = this.#database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'audit_entries'").get()
    return last === undefined || before > integerOf(last, 'seq') ? newest : { at: 0, id: 0 }
  }

  #query(named: readonly (typeof INDEXED)[number][]): Statement {
    const key = named.join()
    const known = this.#queries.get(key)
    if (known !== undefined) return known
    const statement = this.#database.prepare(
      `SELECT ${COLUMNS} FROM audit_entries INDEXED BY audit_entries_${named[0] ?? 'realm'}
       WHERE realm = ?${named.map((column) => ` AND ${column} = ?`).join('')}
         AND at >= ? AND at <= ? AND (at, id) < (?, ?)
       ORDER BY at DESC, id DESC LIMIT ?`,
    )
    this.#queries.set(key, statement)
    return statement
  }
}

function entryOf(row: Row): StoredAuditEntry {
  const text = (column: (typeof TEXTS)[number]): string => castTextOf(row, `${column}_utf8`)
  const given = (column: 'actor' | 'subject' | 'reason' | 'address' | 'detail'): object =>
    row[`${column}_utf8`] === null ? {} : { [column]: text(column) }
  return {
    id: integerOf(row, 'id'),
    realm: text('realm'),
    at: integerOf(row, 'at'),
    // A later version of the package, since rolled back, may have had more actions.
    action: text('action') as AuditAction,
    ...given('actor'),
    ...given('subject'),
    ...(row['sequence'] === null ? {} : { sequence: integerOf(row, 'sequence') }),
    ...given('reason'),
    ...given('address'),
    ...given('detail'),
  }
}
