// The store that the origin's tests run with: none of them names one, so each kind runs all of them unchanged.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStore } from '../store/memory.ts'
import { sqliteStore } from '../store/sqlite/index.ts'
import { type ConnectorStore, connectorStore, type RevocationStore } from '../store/store.ts'

export interface TestStore {
  store: RevocationStore
  /** The same data, as an origin that is started again opens it. */
  reopen(): RevocationStore
}

/** Makes a store of the kind that `PORTCULLIS_TEST_STORE` names. Its files are removed when the process ends. */
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

/** The same as connectors use it, opened. */
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
