import { PortcullisError } from '../../errors.ts'
import type { AuditEntry, AuditQuery, StoredAuditEntry } from './audit-entry.ts'
import { checkName, checkState, type StoredState } from './connector-state.ts'
import { checkOutboxEntry, type OutboxEntry, type OutboxQuery, type StoredOutboxEntry } from './outbox.ts'
import type { RealmRows, RevocationStore, StoredHead, StoredRealm, StoredRow } from './store.ts'

/** The maximum number of audit log lines kept; the oldest are dropped. */
const MAX_AUDIT_ENTRIES = 100_000

interface MemoryRealm {
  head: StoredHead
  rows: StoredRow[]
}

/**
 * Returns a store that keeps its data only while the process runs, and only the last 100,000 lines of the audit log:
 * for tests and trials. An origin may be closed and a new one opened on the same object.
 */
export function memoryStore(): RevocationStore {
  const realms = new Map<string, MemoryRealm>()
  const audit = new MemoryAudit()
  const states = new MemoryStates()
  const outbox = new MemoryOutbox()
  let held = false
  return {
    open(): void {
      if (held)
        throw new PortcullisError('store_locked', 'this memory store belongs to another origin: close that one first')
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
        if (last !== undefined) known.head = { ...known.head, sequence: last.sequence, chain: last.chain }
        outbox.append(batch.realm, batch.outbox ?? [])
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
    readState: (realm, name) => states.read(realm, name),
    writeState: (realm, name, value, expected) => states.write(realm, name, value, expected),
    outboxEntries: (query) => outbox.entries(query),
    acknowledgeOutbox: (id) => outbox.acknowledge(id),
    postponeOutbox: (id, dueAt) => outbox.postpone(id, dueAt),
    close(): void {
      held = false
    },
  }
}

/** Throws before anything is written. */
function follows(
  known: MemoryRealm | undefined,
  { after, rows, outbox = [] }: RealmRows,
): { known: MemoryRealm; last: StoredRow | undefined } {
  outbox.forEach(checkOutboxEntry)
  const last = rows.at(-1)
  if (known === undefined || known.head.sequence !== after || (last === undefined && outbox.length === 0)) {
    throw new PortcullisError('store_corrupt', 'the rows do not follow the stored head: restart the origin')
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
      // At the end, unless the clock was set back.
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

  /** Returns the index of line `before`, or where it would be; the lines ahead of it are older. */
  #end(before: number | undefined): number {
    if (before === undefined || before >= this.#nextId) return this.#entries.length
    return Math.max(
      0,
      this.#entries.findLastIndex(({ id }) => id === before),
    )
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

class MemoryStates {
  readonly #states = new Map<string, StoredState>()

  read(realm: string, name: string): StoredState | undefined {
    const found = this.#states.get(JSON.stringify([realm, name]))
    return found && { ...found, value: found.value.slice() }
  }

  write(realm: string, name: string, value: Uint8Array, expected: number): number | undefined {
    checkName(name, 'state')
    checkState(value)
    const key = JSON.stringify([realm, name])
    if ((this.#states.get(key)?.version ?? 0) !== expected) return undefined
    this.#states.set(key, { value: value.slice(), version: expected + 1 })
    return expected + 1
  }
}

class MemoryOutbox {
  #nextId = 1
  /** In order of id. */
  readonly #entries = new Map<number, StoredOutboxEntry>()

  append(realm: string, entries: readonly OutboxEntry[]): void {
    for (const { queue, at, dueAt = at, payload } of entries) {
      const id = this.#nextId++
      this.#entries.set(id, { id, realm, queue, at, dueAt, attempts: 0, payload: payload.slice() })
    }
  }

  entries({ realm, queue, dueAt = Number.MAX_SAFE_INTEGER, after = 0, limit }: OutboxQuery): StoredOutboxEntry[] {
    const found: StoredOutboxEntry[] = []
    for (const entry of this.#entries.values()) {
      if (found.length >= limit) break
      const isAsked = entry.realm === realm && entry.queue === queue && entry.id > after && entry.dueAt <= dueAt
      if (isAsked) found.push({ ...entry, payload: entry.payload.slice() })
    }
    return found
  }

  acknowledge(id: number): boolean {
    return this.#entries.delete(id)
  }

  postpone(id: number, dueAt: number): boolean {
    const entry = this.#entries.get(id)
    if (entry === undefined) return false
    this.#entries.set(id, { ...entry, dueAt, attempts: entry.attempts + 1 })
    return true
  }
}
