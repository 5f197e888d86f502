import { PortcullisError } from '../../errors.ts'
import type { AuditEntry, AuditQuery, StoredAuditEntry } from './audit-entry.ts'
import type { RealmRows, RevocationStore, StoredHead, StoredRealm, StoredRow } from './store.ts'

/** Lines of the audit log kept at the most; the oldest go first. */
const MAX_AUDIT_ENTRIES = 100_000

interface MemoryRealm {
  head: StoredHead
  rows: StoredRow[]
}

/**
 * A store that forgets everything when the process ends, and all but the last 100,000 lines of the audit log: for
 * tests and trials. An origin may be closed and a new one opened on the same object.
 */
export function memoryStore(): RevocationStore {
  const realms = new Map<string, MemoryRealm>()
  const audit = new MemoryAudit()
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
    append(batches: readonly RealmRows[], entries: readonly AuditEntry[] = []): void {
      const updates = batches.map((batch) => ({ batch, ...follows(realms.get(batch.realm), batch) }))
      for (const { batch, known, last } of updates) {
        known.rows.push(...batch.rows)
        known.head = { ...known.head, sequence: last.sequence, chain: last.chain }
      }
      audit.append(entries)
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
    auditEntries: (query) => audit.entries(query),
    pruneAudit: (before, limit) => audit.prune(before, limit),
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

class MemoryAudit {
  #nextId = 1
  /** Oldest first: by time, then by id. */
  #entries: StoredAuditEntry[] = []

  append(entries: readonly AuditEntry[]): void {
    for (const entry of entries) {
      const stored = { ...entry, id: this.#nextId++ }
      // The last place, unless the clock was set back.
      const place = this.#entries.findLastIndex(({ at }) => at <= entry.at) + 1
      this.#entries.splice(place, 0, stored)
    }
    if (this.#entries.length > MAX_AUDIT_ENTRIES) this.#entries.splice(0, this.#entries.length - MAX_AUDIT_ENTRIES)
  }

  entries(query: AuditQuery): StoredAuditEntry[] {
    const found: StoredAuditEntry[] = []
    let index = this.#end(query.before)
    while (index > 0 && found.length < query.limit) {
      index -= 1
      const entry = this.#entries[index]
      if (entry !== undefined && answers(entry, query)) found.push({ ...entry })
    }
    return found
  }

  prune(before: number, limit: number): number {
    const kept = this.#entries.findIndex(({ at }) => at >= before)
    return this.#entries.splice(0, Math.min(limit, kept === -1 ? this.#entries.length : kept)).length
  }

  /** The index of line `before`, or where it would be: those before it are older. */
  #end(before: number | undefined): number {
    if (before === undefined || before >= this.#nextId) return this.#entries.length
    return Math.max(0, this.#entries.findLastIndex(({ id }) => id === before))
  }
}

function answers(entry: StoredAuditEntry, { realm, action, actor, subject, from, to }: AuditQuery): boolean {
  return (
    entry.realm === realm &&
    (action === undefined || entry.action === action) &&
    (actor === undefined || entry.actor === actor) &&
    (subject === undefined || entry.subject === subject) &&
    (from === undefined || entry.at >= from) &&
    (to === undefined || entry.at <= to)
  )
}
