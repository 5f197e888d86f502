/** Actions in the audit log, as one list for code, routes and documents. */
export const AUDIT_ACTIONS = [
  /** A user logged in, or was refused. */
  'login',
  'login_refused',
  /** A refresh token was used; was refused; was used a second time, which ended its session. */
  'refresh',
  'refresh_refused',
  'refresh_reused',
  /** A user logged out. */
  'logout',
  'token_revoked',
  'refresh_token_revoked',
  'session_ended',
  'client_session_ended',
  'user_logged_out',
  /** A caller revoked all tokens of a user (Global Token Revocation); `detail` has the caller. */
  'tokens_revoked_globally',
  /** One app of a user was disconnected; `detail` has the client. */
  'grant_ended',
  'client_not_before_set',
  'realm_logged_out',
  'realm_not_before_set',
  'token_version_raised',
  'key_added',
  'key_retired',
  'key_banned',
  /** Tokens that a key signed up to a given time are refused. */
  'key_not_before_raised',
  /** The realm's key set in the feed changed. */
  'keys_published',
  /** A mistaken not-before, version or ban was replaced. */
  'corrected',
  'feed_key_rotated',
  /** An administrator of the identity server began a session in a user's name; `detail` has the session. */
  'impersonated',
  /** The store was restored from a backup and began a new incarnation. */
  'restored',
  /** A request was refused; `detail` has the error. */
  'refused',
] as const

export type AuditAction = (typeof AUDIT_ACTIONS)[number]

/** Actor, address and reason of an act, for the audit log. */
export interface Act {
  /**
   * Such as `admin:<sub>`, `client:<client_id>`, `user:<sub>`, `edge:<name>` or `connector:<name>`. Default
   * `application`, for a call by the application's own code. An act of a `user:`, a `client:` or the holder of a
   * `token:` is written once and not repeated while it is in force; a summary line counts omitted ones if there are too
   * many. Repeated acts of a connector are not written either.
   */
  actor?: string
  /** The reason, in an administrator's words. */
  reason?: string
  /** The client's network address. */
  address?: string
}

/** The default actor. */
export const APPLICATION = 'application'

/** One line of the audit log. It holds no token or secret, and only verified parts of a request. */
export interface AuditEntry extends Act {
  realm: string
  /** Unix seconds. */
  at: number
  action: AuditAction
  /** Its subject: a `sub`, `sid`, `jti`, client id or key thumbprint. */
  subject?: string
  /** For recorded events, the ledger's head at that time. Edges at this sequence enforce them. */
  sequence?: number
  /**
   * A stable code, such as that of the error that refused something. For an impersonation: `session <sid>`. If the
   * realm's issuer has several names: `issuer <iss>`. If one client of a user or a session is concerned: `client
   * <client_id>`. In this order, after the finding about the event's time, if any.
   */
  detail?: string
}

/** A stored line. */
export interface StoredAuditEntry extends AuditEntry {
  /** Its position in the log of the store, strictly increasing. */
  id: number
}

/** Selects lines; the result is newest first. */
export interface AuditQuery {
  realm: string
  action?: AuditAction
  actor?: string
  subject?: string
  /** Unix seconds, inclusive. */
  from?: number
  /** Unix seconds, inclusive. */
  to?: number
  /** Selects lines older than this one. Default: from the newest. */
  before?: number
  /** The maximum number of lines. */
  limit: number
}
