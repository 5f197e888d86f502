// A store that can fail, wait and count, for tests.

import { PortcullisError } from '../../errors.ts'
import type { AuditEntry } from '../store/audit-entry.ts'
import type { RealmRows, RevocationStore } from '../store/store.ts'
import { freshStore } from './stores.ts'

export interface FailingStore {
  store: RevocationStore
  fail(whether: boolean): void
  /** The number of committed transactions. */
  commits(): number
}

export function failing(delayMs = 0): FailingStore {
  const real = freshStore()
  let failing = false
  let commits = 0
  const check = (): void => {
    if (failing) throw new PortcullisError('store_unavailable', 'failing on purpose')
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
  }
}
