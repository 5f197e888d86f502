import { checkName, checkState, type StoredState } from '../connector-state.ts'
import { bytesOf, type Database, integerOf, type Statement } from './database.ts'

/** Named states of connectors in a SQLite file. */
export class SqliteStates {
  readonly #read: Statement
  readonly #insert: Statement
  readonly #update: Statement

  constructor(database: Database) {
    this.#read = database.prepare('SELECT version, value FROM connector_states WHERE realm = ? AND name = ?')
    this.#insert = database.prepare('INSERT OR IGNORE INTO connector_states VALUES (?, ?, 1, ?)')
    this.#update = database.prepare(
      'UPDATE connector_states SET version = version + 1, value = ? WHERE realm = ? AND name = ? AND version = ?',
    )
  }

  read(realm: string, name: string): StoredState | undefined {
    const found = this.#read.get(realm, name)
    return found && { value: bytesOf(found, 'value'), version: integerOf(found, 'version') }
  }

  /** One statement, and therefore durable and atomic. */
  write(realm: string, name: string, value: Uint8Array, expected: number): number | undefined {
    checkName(name, 'state')
    checkState(value)
    const { changes } =
      expected === 0 ? this.#insert.run(realm, name, value) : this.#update.run(value, realm, name, expected)
    return Number(changes) === 1 ? expected + 1 : undefined
  }
}
