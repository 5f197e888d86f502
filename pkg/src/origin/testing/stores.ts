// The store that the origin's tests use. None of them names one, so all of them run unchanged with each kind.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStore } from '../store/memory.ts'
import { sqliteStore } from '../store/sqlite/index.ts'
import { type ConnectorStore, connectorStore, type RevocationStore } from '../store/store.ts'

interface TestStore {
  store: RevocationStore
  /** Returns the same data, as a restarted origin opens it. */
  reopen(): RevocationStore
}

/** Creates a store of the kind that `PORTCULLIS_TEST_STORE` names. Its files are removed when the process ends. */
export function makeTestStore(): TestStore {
  const kind = process.env['PORTCULLIS_TEST_STORE'] ?? 'sqlite'
  const make = KINDS[kind]
  if (make === undefined)
    throw new Error(`PORTCULLIS_TEST_STORE must be ${Object.keys(KINDS).join(' or ')}, not ${kind}`)
  return make()
}

/** A store for one origin. */
export function freshStore(): RevocationStore {
  return makeTestStore().store
}

/** Opens the store for connectors. */
export async function openConnectorStore(connector: string): Promise<ConnectorStore> {
  const store = freshStore()
  await store.open()
  return connectorStore(store, connector)
}

const KINDS: Record<string, () => TestStore> = {
  sqlite() {
    const path = join(mkdtempSync(join(root(), 'store-')), 'revocations.db')
    return { store: sqliteStore({ path }), reopen: () => sqliteStore({ path }) }
  },
  memory() {
    const store = memoryStore()
    return { store, reopen: () => store }
  },
}

let folder: string | undefined

function root(): string {
  if (folder !== undefined) return folder
  const made = mkdtempSync(join(tmpdir(), 'portcullis-stores-'))
  process.once('exit', () => rmSync(made, { recursive: true, force: true }))
  folder = made
  return made
}
