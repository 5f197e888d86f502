import type { PortcullisError } from '../errors.ts'
import type { Reason } from '../reasons.ts'
import type { JWK } from '../types.ts'
import type { LedgerCorrection, TokenSubject } from './core/ledger.ts'
import type { Act, AuditEntry, AuditQuery, StoredAuditEntry } from './store/audit-entry.ts'

export { AUDIT_ACTIONS } from './store/audit-entry.ts'
export type { Act, AuditAction, AuditQuery, StoredAuditEntry } from './store/audit-entry.ts'

/**
 * Records revocations and publishes them. Every verb resolves once the revocation is durable and the origin's own gate
 * enforces it, even if it was already in force. Rejects with `unknown_realm`, `invalid_event`, `store_unavailable`,
 * `store_corrupt` or `closed`; then nothing was recorded.
 */
export interface Origin {
  /**
   * Revokes one access token. Does not check its audience, its expiry or an earlier revocation. A token whose key the
   * issuer has recently withdrawn is also revoked if it was issued before the withdrawal, up to 10,000 tokens per key.
   * A token without an id that the origin's gate accepts ends its session, or its user's tokens up to its own `iat`, as
   * the realm's `withoutTokenId` specifies. Rejects with `invalid_token`, `unexpected_token_use`, `jwks_unreachable`,
   * or `invalid_event` (`detail: 'missing_token_id'`, `'missing_session'`, `'missing_subject'`).
   */
  revokeToken(token: string, act?: DatedAct): Promise<RevokedToken>
  /**
   * Revokes a token for the client to which it was issued (RFC 7009). The caller has authenticated that client. An
   * access token is revoked by itself; a refresh token of an issuer that runs beside the origin ends its session. An
   * unknown token is counted and reported as `unknown_token`, and `changed` is false. Rejects with `unknown_realm`,
   * `invalid_event` (`detail: 'other_client'`, `'missing_token_id'`, `'missing_session'`, `'missing_subject'`),
   * `unexpected_token_use` (a kind of token that cannot be revoked) or `jwks_unreachable`. The actor is
   * `client:<client>` unless the act names one.
   */
  revokeOAuthToken(realm: string, client: string, token: string, act?: DatedAct): Promise<RevokedToken>
  /**
   * Revokes a token by its id, for callers that do not have the token itself. `act.expiresAt` and `act.issuedAt`, the
   * token's `exp` and `iat` in unix seconds, save room in the feed. A wrong `expiresAt` would revoke nothing, so omit
   * values that are not known.
   */
  revokeTokenId(realm: string, tokenId: string, act?: TokenIdAct): Promise<Recorded>
  /** Ends a session: tokens with this `sid` are refused. An issuer that runs beside the origin also ends it. */
  endSession(realm: string, sid: string, act?: DatedAct): Promise<Recorded>
  /** Ends one client's part in a session: refuses tokens with this `sid` and `azp` up to now; the client may return. */
  endClientSession(realm: string, sid: string, azp: string, act?: DatedAct): Promise<Recorded>
  /** Logs a user out everywhere: tokens issued up to now are refused; new logins work. */
  logoutUser(realm: string, sub: string, act?: DatedAct): Promise<Recorded>
  /**
   * Disconnects one app of a user. Refuses tokens with this `sub` that were issued to the client up to `act.notBefore`
   * (default: now). The client is `azp` or `client_id`, or only the realm's `grantClaim` if it has one. The user's
   * other tokens stay valid, and the client's next login works. Tokens without that `sub` or claim are not affected.
   */
  endGrant(realm: string, sub: string, client: string, act?: TimedAct): Promise<Recorded>
  /** Logs out all users of the realm, as `logoutUser` does for one. */
  logoutRealm(realm: string, act?: DatedAct): Promise<Recorded>
  /**
   * Refuses tokens that were issued to a client (`azp` or `client_id`) up to `notBefore`, in unix seconds; default:
   * now. A value more than `skewSeconds` ahead (such as milliseconds) is replaced by now and reported as `clock`.
   * `notBefore` and `act.occurredAt` are mutually exclusive.
   */
  setClientNotBefore(realm: string, client: string, notBefore?: number, act?: DatedAct): Promise<Recorded>
  /** Refuses the tokens of the whole realm in the same way. */
  setRealmNotBefore(realm: string, notBefore?: number, act?: DatedAct): Promise<Recorded>
  /**
   * Refuses all tokens of a key permanently. `kid` may also be the key's RFC 7638 thumbprint. The issuer may have
   * recently withdrawn the key. Rejects with `invalid_event`: `unknown_key`, `ambiguous_key` (different keys have or
   * had that `kid`), or `last_key` (no other unbanned signing key is left) unless `force` is `true`.
   */
  banKey(realm: string, kid: string, options?: { force?: boolean } & DatedAct): Promise<Recorded>
  /**
   * Refuses the tokens that a key signed up to `act.notBefore`, in unix seconds; default: now. Use it for a period in
   * which tokens were issued by mistake, never for a leaked key: a thief can choose any `iat`, so ban a leaked key
   * instead. `kid` is as for `banKey`. Rejects with `invalid_event`: `unknown_key`, or `too_many` (the realm already
   * has 4,096 of them).
   */
  raiseKeyNotBefore(realm: string, kid: string, act?: TimedAct): Promise<Recorded>
  /** Refuses a user's tokens whose version is below `version`. */
  raiseTokenVersion(realm: string, sub: string, version: number, act?: DatedAct): Promise<Recorded>
  /**
   * Replaces a mistaken not-before, version or ban; nothing else can undo one. `act.reason` is required. Gates learn it
   * from the next manifest. A revoked token cannot be restored, nor can a session that the issuer has ended. A
   * `notBefore` more than `skewSeconds` ahead is refused with `invalid_event`, because a typo would undo a revocation.
   */
  correct(realm: string, correction: Correction, act: Act & OfIssuer & { reason: string }): Promise<Recorded>
  /**
   * Fetches the issuer's keys and records them in the feed if they have changed; keys that the issuer no longer has
   * leave at once. The origin also does this itself when the keys are due (`jwksMaxAgeSeconds`), but then removes a key
   * only after a second poll has missed it. Call this when the keys have just changed. Also rejects with
   * `jwks_unreachable` and `invalid_jwks`.
   */
  publishKeys(realm: string, act?: Act): Promise<Recorded>
  /**
   * Signs the feed with another private key from now on. First give its public key to every gate (`feed.keys`), and
   * keep the previous key pinned for `validForSeconds`. At the next start, configure the new key. Rejects with
   * `invalid_option` or `closed`.
   */
  rotateSigningKey(signingKey: JWK, act?: Act): Promise<void>
  /** Returns the exact reason for which a token like this is refused now. Issuers call it before they mint one. */
  refuses(realm: string, subject: TokenSubject): Reason | undefined
  /** The user's not-before in unix seconds; 0 if none is set. */
  userNotBefore(realm: string, sub: string, of?: OfIssuer): number
  /** The not-before of one client of a user, in unix seconds; 0 if none is set. */
  grantNotBefore(realm: string, sub: string, client: string, of?: OfIssuer): number
  /** The not-before of the key with this RFC 7638 thumbprint, in unix seconds; 0 if none is set. */
  keyNotBefore(realm: string, thumbprint: string): number
  /** The minimum version that the user's tokens must have; 0 if none is set. Issuers mint no lower one. */
  minimumVersion(realm: string, sub: string, of?: OfIssuer): number
  /**
   * Resolves once all edges have acknowledged a revocation, or after `timeoutMs` (0 to 30000), when `signal` aborts or
   * when the origin closes. Rejects with `unknown_realm`, `closed` or `invalid_option`.
   */
  enforced(
    recorded: Omit<Recorded, 'changed'>,
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<Enforcement>
  /** Whether a key is banned, by its RFC 7638 thumbprint. Issuers never sign with a banned key again. */
  bans(realm: string, thumbprint: string): boolean
  status(): OriginStatus[]
  /** The audit log: acts, and refused requests. */
  audit: Audit
  /** Serves the origin's routes; every other path gets 404. Never rejects. */
  fetch(request: Request, source?: RequestSource): Promise<Response>
  /** Finishes earlier calls, stops pushes and streams and closes the store. */
  close(): Promise<void>
}

/**
 * The verbs and queries of an origin: everything that HTTP, connectors and issuers may call, and the only access to its
 * ledgers. An `Origin` adds `fetch` and `close`.
 */
export type OriginService = Omit<Origin, 'fetch' | 'close'>

/** The name of the issuer to which a user, a session or a token belongs. */
export interface OfIssuer {
  /**
   * The exact `iss` of the affected tokens. Required if the realm's issuer has several names or `tenants`, unless
   * `sameSubjects` declares that they share subjects; otherwise `invalid_event` (`issuer_needed`, `unknown_issuer`).
   * Acts on things that all names share (a client, a key, the realm) take no issuer (`issuer_not_taken`).
   */
  issuer?: string
}

/** The actor of an act, and the time at which it happened by the issuer's clock. */
export interface DatedAct extends Act, OfIssuer {
  /**
   * The event's own time in unix seconds, if an authenticated source of the issuer states one, such as a Keycloak event
   * or the `iat` of a logout token. Recorded without `issuerSkewSeconds`, even if it is ahead of our clock. If it is
   * more than an hour ahead, the time of arrival is recorded instead. Both cases are reported as `clock`. Events
   * without a not-before (a token, a key, a version) apply to any time; for them it only shows the issuer's lead.
   * Default: now, by the origin's clock.
   */
  occurredAt?: number
  /** Whether the identity server is to perform the act too. Connectors pass `skip` for its own acts. Default `tell`. */
  upstream?: 'tell' | 'skip'
}

/** An act on a token of which only the id is known. */
export interface TokenIdAct extends DatedAct {
  /** The token's `exp`, in unix seconds. If it is not given, the id is kept for `maxLifetimeSeconds`. */
  expiresAt?: number
  /** The token's `iat`, in unix seconds. Default: unknown. */
  issuedAt?: number
}

/**
 * An act whose time the caller may choose. A value more than `skewSeconds` ahead (such as milliseconds) is replaced by
 * now and reported as `clock`. `notBefore` and `occurredAt` are mutually exclusive.
 */
export interface TimedAct extends DatedAct {
  /** Tokens issued up to this time are refused; in unix seconds. Default: now, by the origin's clock. */
  notBefore?: number
}

/** The source of a request, as the server that received it knows it. */
export interface RequestSource {
  /** The client's network address, such as `203.0.113.7`. Rate limits and the audit log use it. */
  address?: string
  /**
   * `unaddressed`: the connection has no network address, such as a Unix socket, and the request is never treated as
   * coming from this machine, regardless of its `Host`. Absent for a network connection or an unknown one.
   */
  connection?: 'unaddressed'
}

/** The position of a revocation in the ledger: every edge at this sequence or beyond enforces it. */
export interface Recorded {
  realm: string
  sequence: number
  /** Whether the ledger changed: false if the revocation was already in force, or there was nothing to revoke. */
  changed: boolean
  /**
   * The lowest minor version of the wire format whose readers enforce it; edges below it never count as enforcing.
   * Absent if all readers do: those that do not know such events get a form that refuses more.
   */
  leastMinor?: number
  /**
   * Resolves with the outcome at the realm's identity server, after at most two seconds unless its connector's option
   * sets another limit. Never rejects. Absent if the act is not forwarded.
   */
  upstream?: Promise<UpstreamOutcome>
}

/** A token that is refused from now on, or already was. */
export interface RevokedToken extends Recorded {
  /**
   * The revocation in force, recorded now or earlier: of this token alone, its session, or all tokens of its user up to
   * its own `iat` (`withoutTokenId`). A refresh token ends its session.
   */
  ended: 'token' | 'session' | 'user'
}

/**
 * The outcome of an act at a realm's identity server: performed there too (`done`); to be performed once the server can
 * be reached (`queued`); or not performed there, because the connector's account lacks the right or the server has no
 * such operation (`refused`).
 */
export type UpstreamOutcome = 'done' | 'queued' | 'refused'

/**
 * A correction of a mistaken value. Without `notBefore`, or with `minimum` 0, it removes the value. For a key it lifts
 * the ban. `notBefore` is in unix seconds.
 */
export type Correction = LedgerCorrection

/** The members of a correction, by kind. A revoked token cannot be corrected: its id is one of many in a filter. */
export const CORRECTIONS: Readonly<Record<Correction['kind'], readonly string[]>> = {
  session: ['session', 'notBefore'],
  clientSession: ['session', 'authorizedParty', 'notBefore'],
  user: ['subject', 'notBefore'],
  grant: ['subject', 'client', 'notBefore'],
  client: ['client', 'notBefore'],
  realm: ['notBefore'],
  keyBanned: ['thumbprint'],
  keyNotBefore: ['thumbprint', 'notBefore'],
  tokenVersion: ['subject', 'minimum'],
}

export interface EdgeStatus {
  name: string
  /** The sequence that the edge acknowledged last; `undefined` if it has acknowledged nothing yet. */
  sequence: number | undefined
  /** The time of that acknowledgement, in unix seconds. */
  acknowledgedAt: number | undefined
  /** The sequence of the last push that the edge accepted. Acceptance does not prove that the edge enforces it. */
  pushedSequence: number | undefined
  /**
   * `current`: the edge enforces everything. `behind`: not yet. `silent`: nothing newer acknowledged for
   * `silentAfterSeconds`. `unheard`: nothing acknowledged since the origin started.
   */
  state: 'current' | 'behind' | 'silent' | 'unheard'
  /** The number of changes that the edge lacks; `undefined` if it is unheard. */
  behindBy: number | undefined
  /**
   * The minor version of the wire format from its last acknowledgement, 0 if that named none; `undefined` if it has
   * acknowledged nothing yet, or has since refused a push in that form. Pushes then have form 0.
   */
  minor: number | undefined
}

/** The longest time that `Origin.enforced` waits for the edges. */
export const MAX_WAIT_MS = 30_000

/** The number of configured edges that have acknowledged a revocation. */
export interface Enforcement {
  /** The position of the revocation in the ledger. */
  sequence: number
  enforced: number
  /** The number of configured edges. An edge without `ackSecret` cannot acknowledge and is always missing. */
  total: number
  /** Time since the call, at which the revocation was already durable. */
  elapsedMs: number
  /** The names of the edges that have not acknowledged it, or have fallen silent. */
  missing: string[]
}

export interface OriginStatus {
  realm: string
  sequence: number
  /** The hash chain at that sequence, 32 hexadecimal digits. */
  chain: string
  /** The digest of the policy on which gates must agree with this origin, as in a gate's `status()`. */
  policy: string
  edges: EdgeStatus[]
}

/** The maximum number of lines that `Audit.list` returns. */
export const MAX_AUDIT_LINES = 1_000

/** The audit log, for operators of the origin and of an issuer beside it. */
export interface Audit {
  /**
   * Adds a line for an act outside the ledger, such as a login. Resolves when it is durable. Refusals (`refused`,
   * `login_refused`, `refresh_refused`) and acts of a `user:`, `client:` or `token:` are rate-limited; a summary line
   * counts the omitted ones. Rejects with `invalid_option`, `unknown_realm`, `store_unavailable` or `closed`.
   */
  note(entry: Omit<AuditEntry, 'at'>): Promise<void>
  /**
   * Lines of one realm, newest first; `limit` is 1 to 1000. Rejects with `invalid_option`, `store_unavailable`,
   * `store_corrupt` or `closed`.
   */
  list(query: AuditQuery): Promise<StoredAuditEntry[]>
}

/**
 * A condition that an operator should know, reported once when it begins and once when it ends. Some kinds have no end:
 * `unknown_token` (clients ask to revoke tokens that are not known here; at most once a minute per realm),
 * `impersonated`, lost events (`connector_gap`), `keys_skipped` (when the skipped keys change) and `options` (a
 * `corsOrigins` that allows pages of strangers, or whose function fails). A report holds no token or secret.
 */
export interface OriginReport {
  kind:
    | 'store'
    | 'push'
    | 'jwks'
    | 'acknowledgement'
    | 'feed'
    | 'unknown_token'
    | 'clock'
    | 'connector'
    | 'options'
    | 'fault'
  realm?: string
  edge?: string
  /** The name of the connector, such as `keycloak`. */
  connector?: string
  /** For a connector, the condition that begins or ends: a polled source such as `user_events`, or `forwarding`. */
  condition?: string
  /** `undefined` when the failure is over. */
  error: PortcullisError | undefined
}

/**
 * One answered request, for a structured log. It contains nothing that a client chooses: no path, query, header or
 * name.
 */
export interface AnsweredRequest {
  /** The time of the response, as ISO 8601. */
  time: string
  /** `OTHER` for a method that is not known here. */
  method: string
  /** The pattern of its route, such as `/feed/{realm}/manifest`; absent if no route matched. */
  route?: string
  status: number
  /** From the arrival of the request to the start of the response. */
  milliseconds: number
  /** The realm in its path, if it is one of ours. */
  realm?: string
  /** The error code in the response. */
  error?: string
}
