import { PortcullisError } from '../errors.ts'
import type { RealmRows, RevocationStore, StoredHead, StoredRealm, StoredRow } from './store.ts'

interface MemoryRealm {
  head: StoredHead
  rows: StoredRow[]
}

/**
 * A store that forgets everything when the process ends: for tests and trials. An origin may be closed and a new one
 * opened on the same object.
 */
export function memoryStore(): RevocationStore {
  const realms = new Map<string, MemoryRealm>()
  let held = false
  return {
    open(): void {
      if (held) throw new PortcullisError('store_locked', 'this memory store belongs to another origin: close that one first')
      held = true
    },
    load(realm: string): StoredRealm | undefined {
      const found = realms.get(realm)
      return found && { head: found.head, rows: [...found.rows] }
    },
    setHead(realm: string, head: StoredHead): void {
      realms.set(realm, { head, rows: realms.get(realm)?.rows ?? [] })
    },
    append(batches: readonly RealmRows[]): void {
      const updates = batches.map((batch) => ({ batch, ...follows(realms.get(batch.realm), batch) }))
      for (const { batch, known, last } of updates) {
        known.rows.push(...batch.rows)
        known.head = { ...known.head, sequence: last.sequence, chain: last.chain }
      }
    },
    probe(): void {},
    prune(now: number, limit: number): number {
      let pruned = 0
      for (const realm of realms.values()) {
        realm.rows = realm.rows.filter((row) => {
          if (pruned >= limit || row.keepUntil === undefined || row.keepUntil >= now) return true
          pruned += 1
          return false
        })
      }
      return pruned
    },
    close(): void {
      held = false
    },
  }
}

function follows(known: MemoryRealm | undefined, batch: RealmRows): { known: MemoryRealm; last: StoredRow } {
  const last = batch.rows.at(-1)
  if (known === undefined || last === undefined || known.head.sequence !== batch.after) {
    throw new PortcullisError('store_corrupt', 'the rows do not follow what the store holds: restart the origin')
  }
  return { known, last }
}
