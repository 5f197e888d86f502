import { checkOutboxEntry, type OutboxEntry, type OutboxQuery, type StoredOutboxEntry } from '../outbox.ts'
import { bytesOf, type Database, integerOf, type Row, type Statement } from './database.ts'

/** The outbox in a SQLite file. */
export class SqliteOutbox {
  readonly #insert: Statement
  readonly #waiting: Statement
  readonly #delete: Statement
  readonly #postpone: Statement

  constructor(database: Database) {
    this.#insert = database.prepare('INSERT INTO outbox_entries VALUES (NULL, ?, ?, ?, ?, 0, ?)')
    // The index finds due entries in order, even while thousands wait for their time.
    this.#waiting = database.prepare(
      `SELECT id, at, due_at, attempts, payload FROM outbox_entries INDEXED BY outbox_entries_queue
       WHERE realm = ? AND queue = ? AND id > ? AND due_at <= ? ORDER BY id LIMIT ?`,
    )
    this.#delete = database.prepare('DELETE FROM outbox_entries WHERE id = ?')
    this.#postpone = database.prepare('UPDATE outbox_entries SET due_at = ?, attempts = attempts + 1 WHERE id = ?')
  }

  /** Runs within the caller's transaction. */
  append(realm: string, entries: readonly OutboxEntry[]): void {
    for (const entry of entries) {
      checkOutboxEntry(entry)
      const { queue, at, dueAt = at, payload } = entry
      this.#insert.run(realm, queue, at, dueAt, payload)
    }
  }

  entries({ realm, queue, dueAt = Number.MAX_SAFE_INTEGER, after = 0, limit }: OutboxQuery): StoredOutboxEntry[] {
    return this.#waiting.all(realm, queue, after, dueAt, limit).map((row) => entryOf(row, realm, queue))
  }

  acknowledge(id: number): boolean {
    return Number(this.#delete.run(id).changes) === 1
  }

  postpone(id: number, dueAt: number): boolean {
    return Number(this.#postpone.run(dueAt, id).changes) === 1
  }
}

function entryOf(row: Row, realm: string, queue: string): StoredOutboxEntry {
  return {
    id: integerOf(row, 'id'),
    realm,
    queue,
    at: integerOf(row, 'at'),
    dueAt: integerOf(row, 'due_at'),
    attempts: integerOf(row, 'attempts'),
    payload: bytesOf(row, 'payload'),
  }
}
