// A store that fails, dawdles and counts as it is told.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PortcullisError } from '../../errors.ts'
import type { AuditEntry } from '../store/audit-entry.ts'
import type { RealmRows, RevocationStore } from '../store/store.ts'

export interface FailingStore {
  store: RevocationStore
  fail(whether: boolean): void
  /** Transactions that were committed. */
  commits(): number
  clean(): void
}

export function failing(open: (path: string) => RevocationStore, delayMs = 0): FailingStore {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-failing-'))
  const real = open(join(folder, 'store.db'))
  let failing = false
  let commits = 0
  const check = (): void => {
    if (failing) throw new PortcullisError('store_unavailable', 'told to fail')
  }
  return {
    store: {
      ...real,
      async append(batches: readonly RealmRows[], entries: readonly AuditEntry[] = []) {
        check()
        if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs))
        await real.append(batches, entries)
        commits += 1
      },
      async probe() {
        check()
        await real.probe()
      },
    },
    fail: (whether) => void (failing = whether),
    commits: () => commits,
    clean: () => rmSync(folder, { recursive: true, force: true }),
  }
}
