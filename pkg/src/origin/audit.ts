import { checkOptions, given, integer, oneOf, required, rule, type Rules, text } from '../options.ts'
import type { Committer } from './ledger.ts'
import { Refusals } from './refusals.ts'
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
  /** Such as `admin:<sub>`, `client:<client_id>`, `user:<sub>` or `edge:<name>`. Default `application`: code called the origin. */
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
   * (`refused`, `login_refused`, `refresh_refused`) are bounded: of too many a line says how many were left out.
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
  committer: Committer
  realms: readonly string[]
  /** Monotonic milliseconds. */
  nowMs?: () => number
}

/** Who did what: written with the ledger's rows by the committer, read here. */
export class AuditLog implements Audit {
  readonly #store: RevocationStore
  readonly #committer: Committer
  readonly #refusals: Refusals
  readonly #realms: readonly string[]

  constructor({ store, ...options }: AuditLogOptions) {
    this.#store = store
    this.#realms = options.realms
    this.#committer = options.committer
    this.#refusals = new Refusals(options)
  }

  async note(entry: Omit<AuditEntry, 'at'>): Promise<void> {
    checkOptions(entry, ENTRY_RULES, 'entry')
    // Who was refused is not known.
    const named = entry.action === 'refused' ? entry : { ...entry, actor: entry.actor ?? APPLICATION }
    await (REFUSALS.includes(entry.action) ? this.#refusals.note(named) : this.#committer.note(named))
  }

  /**
   * Notes that a request was refused; nobody waits for it. `realm` as it stands in the path: when it is none of ours,
   * the refusal is one that every realm hears of. A store that fails is reported by the committer.
   */
  refused({ realm, ...entry }: Pick<AuditEntry, 'realm' | 'subject' | 'detail' | 'address'>): void {
    const line = { ...entry, action: 'refused' } as const
    const noted = this.#realms.includes(realm)
      ? this.#refusals.note({ ...line, realm })
      : this.#refusals.noteEverywhere(line)
    noted.catch(() => undefined)
  }

  /** Writes how many refusals were left out since the last time. Rejects as `note` does. */
  summarize(): Promise<void> {
    return this.#refusals.summarize()
  }

  async list(query: AuditQuery): Promise<StoredAuditEntry[]> {
    return (await this.page(query)).entries
  }

  /** The same, and whether there are older ones. What was noted before this call is among them. */
  async page(query: AuditQuery): Promise<{ entries: StoredAuditEntry[]; more: boolean }> {
    checkOptions(query, QUERY_RULES, 'query')
    await this.#committer.written()
    const found = await this.#store.auditEntries({ ...storable(given(query)), limit: query.limit + 1 })
    return { entries: found.slice(0, query.limit), more: found.length > query.limit }
  }
}

/** Who acts when nobody is named. */
export const APPLICATION = 'application'

/** A longer text is cut: in a name that a token gives, an issuer may have been careless. */
const MAX_TEXT_CHARACTERS = 1_024

/**
 * With texts that every store keeps as they are: not too long, and without the NUL at which some end a text. The same
 * for lines and for queries, so that the one finds the other.
 */
export function storable<T extends object>(entry: T): T {
  const isUnfit = (value: unknown): value is string =>
    typeof value === 'string' && (value.length > MAX_TEXT_CHARACTERS || value.includes('\0'))
  if (!Object.values(entry).some(isUnfit)) return entry
  const fit = (value: unknown): unknown =>
    isUnfit(value) ? value.slice(0, MAX_TEXT_CHARACTERS).replaceAll('\0', '\ufffd') : value
  return Object.fromEntries(Object.entries(entry).map(([name, value]) => [name, fit(value)])) as T
}

const REFUSALS: readonly AuditAction[] = ['refused', 'login_refused', 'refresh_refused']

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
