import { checkOptions, given, integer, oneOf, required, rule, type Rules, text } from '../options.ts'
import { AuditBounds } from './audit-bounds.ts'
import { storable } from './audit-text.ts'
import type { Committer } from './ledger.ts'
import type { RevocationStore } from './store.ts'

/** What the audit log tells of: one list for code, routes and documents. */
export const AUDIT_ACTIONS = [
  /** A user logged in, or was not let in. */
  'login',
  'login_refused',
  /** A refresh token was used; was refused; was used a second time, which ended its session. */
  'refresh',
  'refresh_refused',
  'refresh_reused',
  /** A user ended the session in which he asked. */
  'logout',
  'token_revoked',
  'refresh_token_revoked',
  'session_ended',
  'client_session_ended',
  'user_logged_out',
  'client_not_before_set',
  'realm_logged_out',
  'realm_not_before_set',
  'token_version_raised',
  'key_added',
  'key_retired',
  'key_banned',
  /** The realm's key set in the feed changed. */
  'keys_published',
  /** A mistaken not-before, version or ban was replaced. */
  'corrected',
  'feed_key_rotated',
  /** The store was restored from a backup and began a new incarnation. */
  'restored',
  /** A request was refused; `detail` has the error. */
  'refused',
] as const

export type AuditAction = (typeof AUDIT_ACTIONS)[number]

/** Who does something, from where and why: what the audit log says of an act besides the act. */
export interface Act {
  /**
   * Such as `admin:<sub>`, `client:<client_id>`, `user:<sub>` or `edge:<name>`. Default `application`: code called the origin.
   * What a `user:`, a `client:` or the holder of a `token:` did is written once, and not again while it is in force; of too
   * many such lines a line says how many were left out.
   */
  actor?: string
  /** Why, in an administrator's words. */
  reason?: string
  /** The client's network address. */
  address?: string
}

/** One line of the audit log. It holds no token or secret, and of what a request said only what was verified. */
export interface AuditEntry extends Act {
  realm: string
  /** Unix seconds. */
  at: number
  action: AuditAction
  /** Whom or what it is about: a `sub`, `sid`, `jti`, client id or key thumbprint. */
  subject?: string
  /** For what the ledger records: its head then. Edges at this sequence enforce it. */
  sequence?: number
  /** A stable code, as of the error that refused something. */
  detail?: string
}

/** A line as it is kept. */
export interface StoredAuditEntry extends AuditEntry {
  /** Its place in the log of the store, strictly increasing. */
  id: number
}

/** Which lines, newest first. */
export interface AuditQuery {
  realm: string
  action?: AuditAction
  actor?: string
  subject?: string
  /** Unix seconds, inclusive. */
  from?: number
  /** Unix seconds, inclusive. */
  to?: number
  /** Lines older than this one; left out: from the newest. */
  before?: number
  /** At most so many. */
  limit: number
}

/** Lines that `Audit.list` gives at a time. */
export const MAX_AUDIT_LINES = 1_000

/** The audit log, for whoever runs the origin or an issuer beside it. */
export interface Audit {
  /**
   * Adds a line about what the ledger does not record, such as a login. Resolves when it is durable. Refusals
   * (`refused`, `login_refused`, `refresh_refused`) and what a `user:`, `client:` or `token:` did are bounded: of too many a
   * line says how many were left out.
   * Rejects with `invalid_option`, `unknown_realm`, `store_unavailable` or `closed`.
   */
  note(entry: Omit<AuditEntry, 'at'>): Promise<void>
  /**
   * Lines of one realm, newest first; `limit` is 1 to 1000. Rejects with `invalid_option`, `store_unavailable`,
   * `store_corrupt` or `closed`.
   */
  list(query: AuditQuery): Promise<StoredAuditEntry[]>
}

export interface AuditLogOptions {
  store: RevocationStore
  committer: Pick<Committer, 'note' | 'written'>
  realms: readonly string[]
  /** The committer's. */
  bounds: AuditBounds
}

/** Who did what: written with the ledger's rows by the committer, read here. */
export class AuditLog implements Audit {
  readonly #options: AuditLogOptions

  constructor(options: AuditLogOptions) {
    this.#options = options
  }

  async note(entry: Omit<AuditEntry, 'at'>): Promise<void> {
    checkOptions(entry, ENTRY_RULES, 'entry')
    // Who was refused is not known.
    await this.#note(entry.action === 'refused' ? entry : { ...entry, actor: entry.actor ?? APPLICATION })
  }

  /**
   * Notes that a request was refused; nobody waits for it. `realm` as it stands in the path: when it is none of ours,
   * the refusal is one that every realm hears of. A store that fails is reported by the committer.
   */
  refused({ realm, ...entry }: Pick<AuditEntry, 'realm' | 'subject' | 'detail' | 'address'>): void {
    const { realms } = this.#options
    const concerned = realms.includes(realm) ? [realm] : realms
    for (const each of concerned) this.#note({ ...entry, action: 'refused', realm: each }).catch(() => undefined)
  }

  /** Writes how many lines were left out since the last time. Rejects as `note` does; then it is written later. */
  async summarize(): Promise<void> {
    const { bounds, committer } = this.#options
    const noted = bounds.takeLeftOut().map(async (leftOut) => {
      const { realm, action, count } = leftOut
      const reason = action === 'refused' ? `${count} more were refused` : `${count} more like this`
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

  /** The same, and whether there are older ones. What was noted before this call is among them. */
  async page(query: AuditQuery): Promise<{ entries: StoredAuditEntry[]; more: boolean }> {
    checkOptions(query, QUERY_RULES, 'query')
    const { committer, store } = this.#options
    const [asked = query] = await storable([given(query)])
    await committer.written()
    const found = await store.auditEntries({ ...asked, limit: query.limit + 1 })
    return { entries: found.slice(0, query.limit), more: found.length > query.limit }
  }
}

/** Who acts when nobody is named. */
export const APPLICATION = 'application'

const anyText = rule('a text', (value) => typeof value === 'string')
const unixSeconds = integer('unix seconds')

const ENTRY_RULES: Rules = {
  realm: required(text),
  action: required(oneOf(...AUDIT_ACTIONS)),
  actor: anyText,
  subject: anyText,
  reason: anyText,
  address: anyText,
  detail: anyText,
  sequence: integer('the ledger'),
}

const QUERY_RULES: Rules = {
  realm: required(text),
  action: oneOf(...AUDIT_ACTIONS),
  actor: anyText,
  subject: anyText,
  from: unixSeconds,
  to: unixSeconds,
  before: integer('a line'),
  limit: required(integer('lines', 1, MAX_AUDIT_LINES)),
}
