import type { PortcullisError } from '../errors.ts'
import type { Reason } from '../reasons.ts'
import type { JWK } from '../types.ts'
import type { LedgerCorrection, TokenSubject } from './core/ledger.ts'
import type { Act, AuditEntry, AuditQuery, StoredAuditEntry } from './store/audit-entry.ts'

export { AUDIT_ACTIONS } from './store/audit-entry.ts'
export type { Act, AuditAction, AuditEntry, AuditQuery, StoredAuditEntry } from './store/audit-entry.ts'

/**
 * Records revocations and publishes them. Every revocation resolves only when it is durable and the origin's own gate
 * enforces it, also when it was in force already. Rejects with `unknown_realm`, `invalid_event`, `store_unavailable`,
 * `store_corrupt` or `closed`; then nothing was recorded.
 */
export interface Origin {
  /**
   * Revokes one access token. Its audience and whether it is revoked or expired are not looked at. One whose key the
   * issuer has withdrawn lately is revoked too, if it was issued before that; at most 10,000 of one key. A token
   * without an id that the origin's gate accepts ends its session or its user's tokens up to its own `iat`, as the
   * realm's `withoutTokenId` says. Rejects with `invalid_token`, `unexpected_token_use`, `jwks_unreachable`, or
   * `invalid_event` (`detail: 'missing_token_id'`, `'missing_session'`, `'missing_subject'`).
   */
  revokeToken(token: string, act?: DatedAct): Promise<RevokedToken>
  /**
   * Revokes a token for the client to which it was issued (RFC 7009), which the caller has authenticated: an access
   * token, or with a refresh token of an issuer that runs beside the origin the session it belongs to. A token that is
   * not known here is counted and reported as `unknown_token`, and `changed` is false. Rejects with `unknown_realm`,
   * `invalid_event` (`detail: 'other_client'`, `'missing_token_id'`, `'missing_session'`, `'missing_subject'`),
   * `unexpected_token_use` (a kind of token that cannot be revoked) or
   * `jwks_unreachable`. The actor is `client:<client>` unless the act names one.
   */
  revokeOAuthToken(realm: string, client: string, token: string, act?: DatedAct): Promise<RevokedToken>
  /**
   * Revokes a token by its id, for callers that do not have the token itself. With `act.expiresAt` and `act.issuedAt`,
   * its own `exp` and `iat` in unix seconds, it takes less room in the feed; a wrong `expiresAt` would revoke nothing,
   * so leave out what is not known.
   */
  revokeTokenId(realm: string, tokenId: string, act?: TokenIdAct): Promise<Recorded>
  /** Ends a session: tokens with this `sid` are refused. An issuer that runs beside the origin ends it too. */
  endSession(realm: string, sid: string, act?: DatedAct): Promise<Recorded>
  /** Ends one client's part in a session: refuses tokens with this `sid` and `azp` up to now; the client may return. */
  endClientSession(realm: string, sid: string, azp: string, act?: DatedAct): Promise<Recorded>
  /** Logs a user out everywhere: tokens issued up to now are refused, the next login works. */
  logoutUser(realm: string, sub: string, act?: DatedAct): Promise<Recorded>
  /**
   * Disconnects one app of a user: tokens with this `sub` that were issued to the client (`azp` or `client_id`; with
   * the realm's `grantClaim`, that claim alone) up to `act.notBefore` are refused; default: now. The user's other
   * tokens go on, and the client's next login works. Tokens without a `sub`, or without the claim, are not reached.
   */
  endGrant(realm: string, sub: string, client: string, act?: TimedAct): Promise<Recorded>
  /** Logs everybody in the realm out, as `logoutUser` does one user. */
  logoutRealm(realm: string, act?: DatedAct): Promise<Recorded>
  /**
   * Refuses tokens that were issued to a client (`azp` or `client_id`) up to `notBefore`, in unix seconds; default:
   * now. A value more than `skewSeconds` ahead (milliseconds are not seconds) is replaced by now and reported as
   * `clock`. Either `notBefore` or `act.occurredAt` may be given, not both.
   */
  setClientNotBefore(realm: string, client: string, notBefore?: number, act?: DatedAct): Promise<Recorded>
  /** The same for everybody's tokens. */
  setRealmNotBefore(realm: string, notBefore?: number, act?: DatedAct): Promise<Recorded>
  /**
   * Refuses all tokens of a key, for ever. `kid` may also be the key's RFC 7638 thumbprint; the issuer may have
   * withdrawn it lately. Rejects with
   * `invalid_event`: `unknown_key`, `ambiguous_key` (different keys have that `kid`, or had it before they were
   * withdrawn), or `last_key` (no other signing key is left that is not banned) unless `force` is `true`.
   */
  banKey(realm: string, kid: string, options?: { force?: boolean } & DatedAct): Promise<Recorded>
  /**
   * Refuses the tokens that a key signed up to `act.notBefore`, in unix seconds; default: now. For a window of time in
   * which tokens should not have been issued, never for a leaked key: a thief chooses the `iat` of his tokens, so ban
   * that. `kid` is as for `banKey`. Rejects with `invalid_event`: `unknown_key`, or `too_many` (the realm has 4,096 of
   * them).
   */
  raiseKeyNotBefore(realm: string, kid: string, act?: TimedAct): Promise<Recorded>
  /** Refuses a user's tokens whose version is below `version`. */
  raiseTokenVersion(realm: string, sub: string, version: number, act?: DatedAct): Promise<Recorded>
  /**
   * Replaces a mistaken not-before, version or ban, which nothing else can undo. `act.reason` is required. Gates get it
   * from the next manifest. A revoked token cannot come back, nor a session that the issuer has ended. A `notBefore`
   * more than `skewSeconds` ahead is refused with `invalid_event`: a mistyped value would undo a revocation.
   */
  correct(realm: string, correction: Correction, act: Act & OfIssuer & { reason: string }): Promise<Recorded>
  /**
   * Asks the issuer for its keys and records them in the feed, if they have changed; keys that it does not have leave
   * at once. Happens by itself whenever they are due (`jwksMaxAgeSeconds`), and then a key leaves only when a second
   * poll misses it too; call it when the keys have just changed. Also rejects with `jwks_unreachable` and
   * `invalid_jwks`.
   */
  publishKeys(realm: string, act?: Act): Promise<Recorded>
  /**
   * Signs the feed by another private key from now on. First give every gate its public key too (`feed.keys`); keep the
   * one before pinned for `validForSeconds`. Start with the new one the next time. Rejects with `invalid_option` or
   * `closed`.
   */
  rotateSigningKey(signingKey: JWK, act?: Act): Promise<void>
  /** The reason for which a token like this is refused now, exactly; for issuers, before they mint one. */
  refuses(realm: string, subject: TokenSubject): Reason | undefined
  /** The user's not-before in unix seconds; 0 if none is set. */
  userNotBefore(realm: string, sub: string, of?: OfIssuer): number
  /** The not-before of one client of a user, in unix seconds; 0 if none is set. */
  grantNotBefore(realm: string, sub: string, client: string, of?: OfIssuer): number
  /** The not-before of the key with this RFC 7638 thumbprint, in unix seconds; 0 if none is set. */
  keyNotBefore(realm: string, thumbprint: string): number
  /** The least version that the user's tokens must have; 0 when none was set. For issuers, which mint no lower one. */
  minimumVersion(realm: string, sub: string, of?: OfIssuer): number
  /**
   * Resolves as soon as all edges have acknowledged a revocation, or when `timeoutMs` (0 to 30000) is over, `signal`
   * aborts or the origin closes. Rejects with `unknown_realm`, `closed` or `invalid_option`.
   */
  enforced(
    recorded: Omit<Recorded, 'changed'>,
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<Enforcement>
  /** Whether a key is banned, by its RFC 7638 thumbprint. For issuers, which never sign with such a one again. */
  bans(realm: string, thumbprint: string): boolean
  status(): OriginStatus[]
  /** The audit log: acts, and refused requests. */
  audit: Audit
  /** Answers the origin's routes; everything else is 404. Never rejects. */
  fetch(request: Request, source?: RequestSource): Promise<Response>
  /** Finishes earlier calls, stops pushes and streams and closes the store. */
  close(): Promise<void>
}

/**
 * The verbs and queries of an origin: all that HTTP, connectors and issuers may call, and the only way to its ledgers.
 * An `Origin` is this with `fetch` and `close`.
 */
export type OriginService = Omit<Origin, 'fetch' | 'close'>

/** The name of the issuer to which a user, a session or a token belongs. */
export interface OfIssuer {
  /**
   * The exact `iss` of the tokens meant. Required where the realm's issuer has several names or `tenants`, unless
   * `sameSubjects` says that they have the same subjects; `invalid_event` (`issuer_needed`, `unknown_issuer`)
   * otherwise. Acts about what all names share (a client, a key, the realm) take none (`issuer_not_taken`).
   */
  issuer?: string
}

/** Who does something, and when it happened by the issuer's clock. */
export interface DatedAct extends Act, OfIssuer {
  /**
   * The event's own time, in unix seconds, where an authenticated source of the issuer states one, such as a Keycloak
   * event or the `iat` of a logout token. Recorded without `issuerSkewSeconds`, also when it lies ahead of us; more
   * than an hour ahead it is not used, and the time of arrival is recorded. Both are reported as `clock`. Events
   * without a not-before (a token, a key, a version) take effect for any time; it only shows the issuer's lead.
   * Default: now, by the origin's clock.
   */
  occurredAt?: number
  /** Whether a connector also acts at the identity server. Connectors pass `skip` for acts done there. Default `tell`. */
  upstream?: 'tell' | 'skip'
}

/** An act about a token of which only the id is known. */
export interface TokenIdAct extends DatedAct {
  /** The token's `exp`, in unix seconds. Default: unknown; then it is remembered for `maxLifetimeSeconds`. */
  expiresAt?: number
  /** The token's `iat`, in unix seconds. Default: unknown. */
  issuedAt?: number
}

/**
 * An act whose time may also be the caller's choice. A value more than `skewSeconds` ahead (milliseconds are not
 * seconds) is replaced by now and reported as `clock`. Either `notBefore` or `occurredAt` may be given, not both.
 */
export interface TimedAct extends DatedAct {
  /** Tokens issued up to then are refused; in unix seconds. Default: now, by the origin's clock. */
  notBefore?: number
}

/** Where a request came from, as the server that took it knows. */
export interface RequestSource {
  /** The client's network address, such as `203.0.113.7`. Rate limits and the audit log go by it. */
  address?: string
  /**
   * `unaddressed`: it came by a connection without a network address, such as a Unix socket, and is not taken to be
   * from this machine for any `Host`. Left out: by a network, or unknown.
   */
  connection?: 'unaddressed'
}

/** Where in the ledger a revocation stands: every edge at this sequence or beyond enforces it. */
export interface Recorded {
  realm: string
  sequence: number
  /** Whether the ledger changed: false when it was in force already, or there was nothing to revoke. */
  changed: boolean
  /**
   * The least minor version of the wire format whose readers enforce it; an edge below never counts as enforcing it.
   * Left out: all do, those that do not know such events in a form that refuses more.
   */
  leastMinor?: number
  /**
   * Resolves with the outcome at the realm's identity server, after two seconds at the latest unless its connector's
   * option says otherwise. Never rejects. Left out: it is not forwarded.
   */
  upstream?: Promise<UpstreamOutcome>
}

/** A token that is refused from now on, or was before. */
export interface RevokedToken extends Recorded {
  /**
   * The revocation in force, recorded now or earlier: of this token alone, its session, or all tokens of its user up to
   * its own `iat` (`withoutTokenId`). A refresh token ends its session.
   */
  ended: 'token' | 'session' | 'user'
}

/**
 * The outcome of an act at a realm's identity server: done there too (`done`); done as soon as the server can be
 * reached (`queued`); or not done there, since the connector's account lacks the right or the server has no such
 * operation (`refused`).
 */
export type UpstreamOutcome = 'done' | 'queued' | 'refused'

/**
 * A correction of a mistaken value. Without `notBefore`, or with `minimum` 0, the value is removed. For a key the ban
 * is lifted. `notBefore` is in unix seconds.
 */
export type Correction = LedgerCorrection

/** The members of a correction, by kind. A revoked token cannot: its id is one of many in a filter. */
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
  /** The sequence that the edge acknowledged last; `undefined`: nothing yet. */
  sequence: number | undefined
  /** When it did, in unix seconds. */
  acknowledgedAt: number | undefined
  /** The sequence of the last push that it answered with success. It may not enforce it yet, so this proves nothing. */
  pushedSequence: number | undefined
  /**
   * `current`: it enforces everything. `behind`: not yet. `silent`: it has acknowledged nothing newer for
   * `silentAfterSeconds`. `unheard`: it has acknowledged nothing since the origin started.
   */
  state: 'current' | 'behind' | 'silent' | 'unheard'
  /** How many changes it lacks; `undefined`: unheard. */
  behindBy: number | undefined
  /**
   * The minor version of the wire format that it named in its last acknowledgement, 0 if none; `undefined`: it has
   * acknowledged nothing yet, or has refused a push in that form since. Pushes have form 0 then.
   */
  minor: number | undefined
}

/** How long `Origin.enforced` waits for the edges, at the most. */
export const MAX_WAIT_MS = 30_000

/** How many of the configured edges have acknowledged a revocation. */
export interface Enforcement {
  /** Where the revocation stands in the ledger. */
  sequence: number
  enforced: number
  /** How many edges are configured. One without `ackSecret` can acknowledge nothing, and is always missing. */
  total: number
  /** Since it was asked, when the revocation was durable already. */
  elapsedMs: number
  /** The names of those that have not, or have fallen silent. */
  missing: string[]
}

export interface OriginStatus {
  realm: string
  sequence: number
  /** The hash chain at that sequence, 32 hexadecimal digits. */
  chain: string
  /** The digest of the policy that gates must agree on with this origin, as in a gate's `status()`. */
  policy: string
  edges: EdgeStatus[]
}

/** Lines that `Audit.list` gives at a time. */
export const MAX_AUDIT_LINES = 1_000

/** The audit log, for operators of the origin and of an issuer beside it. */
export interface Audit {
  /**
   * Adds a line about an act outside the ledger, such as a login. Resolves when it is durable. Refusals
   * (`refused`, `login_refused`, `refresh_refused`) and acts of a `user:`, `client:` or `token:` are bounded: of too
   * many a line says how many were left out.
   * Rejects with `invalid_option`, `unknown_realm`, `store_unavailable` or `closed`.
   */
  note(entry: Omit<AuditEntry, 'at'>): Promise<void>
  /**
   * Lines of one realm, newest first; `limit` is 1 to 1000. Rejects with `invalid_option`, `store_unavailable`,
   * `store_corrupt` or `closed`.
   */
  list(query: AuditQuery): Promise<StoredAuditEntry[]>
}

/**
 * A condition that an operator should know: once when it starts and once when it is over. `unknown_token` has no end
 * and comes at most once a minute for each realm: clients want tokens revoked that are not known here. An impersonation
 * (`impersonated`) and lost events (`connector_gap`) have no end either, nor have skipped keys (`keys_skipped`, when
 * others are skipped than before) and `options`: a `corsOrigins` that lets in pages of strangers, or whose function
 * fails. A report holds no token or secret.
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
  /** With `connector`: which of its conditions begins or ends: a polled source such as `user_events`, or `forwarding`. */
  condition?: string
  /** `undefined`: the failure is over. */
  error: PortcullisError | undefined
}

/** One answered request, for a structured log. Nothing in it is a client's choice: no path, query, header or name. */
export interface AnsweredRequest {
  /** When it was answered, as ISO 8601. */
  time: string
  /** `OTHER`: none that is known here. */
  method: string
  /** The pattern of its route, such as `/feed/{realm}/manifest`; left out: no route matched. */
  route?: string
  status: number
  /** From its arrival until its answer began. */
  milliseconds: number
  /** The realm of its path, where that is one of ours. */
  realm?: string
  /** The error of the answer. */
  error?: string
}
