// The stores of this package fulfil the contract, and some promises of their own.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { AuditEntry } from './audit-entry.ts'
import { storeContract } from './contract.ts'
import { memoryStore } from './memory.ts'
import { sqliteStore } from './sqlite/index.ts'

describe('memory store', () => storeContract(() => ({ store: memoryStore() }), { test }))

describe('SQLite store', () =>
  storeContract(
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'portcullis-store-'))
      const path = join(folder, 'store.db')
      return {
        store: sqliteStore({ path }),
        reopen: () => sqliteStore({ path }),
        dispose: () => rm(folder, { recursive: true }),
      }
    },
    { test },
  ))

test('an in-memory store drops the oldest entries of the audit log above its limit', async () => {
  const store = memoryStore()
  await store.open()
  await store.append(
    [],
    Array.from({ length: 100_001 }, (_, index): AuditEntry => ({ realm: 'acme', at: index, action: 'login' })),
  )
  assert.deepEqual(
    (await store.auditEntries({ realm: 'acme', to: 1, limit: 10 })).map(({ at }) => at),
    [1],
  )
  await store.close()
})
