import { PortcullisError } from '../../errors.ts'
import { anyString, checkOptions, given, integer, oneOf, required, type Rules, string } from '../../options.ts'
import { type Audit, MAX_AUDIT_LINES } from '../api.ts'
import type { AuditBounds } from '../recording/audit-bounds.ts'
import { storable } from '../recording/audit-text.ts'
import type { Committer } from '../recording/committer.ts'
import {
  APPLICATION,
  AUDIT_ACTIONS,
  type AuditEntry,
  type AuditQuery,
  type StoredAuditEntry,
} from '../store/audit-entry.ts'
import type { RevocationStore } from '../store/store.ts'

interface AuditLogOptions {
  store: RevocationStore
  committer: Pick<Committer, 'isClosed' | 'note' | 'written'>
  realms: readonly string[]
  /** Shared with the committer. */
  bounds: AuditBounds
}

/** The audit log. The committer writes it with the ledger's rows; this class reads it. */
export class AuditLog implements Audit {
  readonly #options: AuditLogOptions

  constructor(options: AuditLogOptions) {
    this.#options = options
  }

  async note(entry: Omit<AuditEntry, 'at'>): Promise<void> {
    checkOptions(entry, ENTRY_RULES, 'entry')
    // The caller of a refused request is not authenticated.
    await this.#note(entry.action === 'refused' ? entry : { ...entry, actor: entry.actor ?? APPLICATION })
  }

  /**
   * Notes a refused request without waiting. `realm` is the path segment as sent; a refusal under an unknown name is
   * noted in every realm. The committer reports a failing store.
   */
  refused({ realm, ...entry }: Pick<AuditEntry, 'realm' | 'subject' | 'detail' | 'address'>): void {
    const { realms } = this.#options
    const concerned = realms.includes(realm) ? [realm] : realms
    for (const each of concerned) this.#note({ ...entry, action: 'refused', realm: each }).catch(() => undefined)
  }

  /** Writes the number of lines omitted since the last call. Rejects as `note` does; the next call then retries. */
  async summarize(): Promise<void> {
    const { bounds, committer } = this.#options
    const noted = bounds.takeLeftOut().map(async (leftOut) => {
      const { realm, action, count } = leftOut
      const reason = action === 'refused' ? `${count} more requests were refused` : `${count} more like this`
      try {
        await committer.note({ realm, action, detail: 'left_out', reason })
      } catch (error) {
        bounds.putBack(leftOut)
        throw error
      }
    })
    await Promise.all(noted)
  }

  async #note(entry: Omit<AuditEntry, 'at'>): Promise<void> {
    const { bounds, committer } = this.#options
    if (bounds.admits(entry)) await committer.note(entry)
  }

  async list(query: AuditQuery): Promise<StoredAuditEntry[]> {
    return (await this.page(query)).entries
  }

  /** Like `list`, and whether older lines exist. Includes lines noted before this call. */
  async page(query: AuditQuery): Promise<{ entries: StoredAuditEntry[]; more: boolean }> {
    checkOptions(query, QUERY_RULES, 'query')
    const { committer, store } = this.#options
    const [asked = query] = await storable([given(query)])
    await committer.written()
    // An in-memory store would still respond.
    if (committer.isClosed) throw new PortcullisError('closed', 'the origin is closed')
    const found = await store.auditEntries({ ...asked, limit: query.limit + 1 })
    return { entries: found.slice(0, query.limit), more: found.length > query.limit }
  }
}

const unixSeconds = integer('unix seconds')

const ENTRY_RULES: Rules = {
  realm: required(string),
  action: required(oneOf(...AUDIT_ACTIONS)),
  actor: anyString,
  subject: anyString,
  reason: anyString,
  address: anyString,
  detail: anyString,
  sequence: integer('the ledger'),
}

const QUERY_RULES: Rules = {
  realm: required(string),
  action: oneOf(...AUDIT_ACTIONS),
  actor: anyString,
  subject: anyString,
  from: unixSeconds,
  to: unixSeconds,
  before: integer('a line'),
  limit: required(integer('lines', 1, MAX_AUDIT_LINES)),
}
