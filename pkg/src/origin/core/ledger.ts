import type { CorePolicy } from '../../policy.ts'
import type { JWK } from '../../types.ts'
import type { Minor } from './minor.ts'

/** Options of a ledger; every time is in seconds. */
export interface LedgerOptions {
  issuer: string
  signingKey: JWK
  leewaySeconds: number
  skewSeconds: number
  maxLifetimeSeconds: number
  maxSessionSeconds?: number
  issuerSkewSeconds: number
  /** Default 0. */
  sourceSkewSeconds?: number
  errorRate: number
  validForSeconds: number
  incarnation: number
  /** The policy of the realm's gates, whose digest the feed states. Default: it states none. */
  policy?: CorePolicy
}

/** The issuer name under which a subject is known. Default: the first name, or all names if they share subjects. */
interface UnderName {
  issuer?: string
}

/**
 * One ledger event in the core's form. Times are in unix seconds. `occurredAt` is the event's own time from an
 * authenticated source and is recorded unchanged; `notBefore` is a value that a caller chose. All events except
 * `correction` and `keysWithdrawn` only ever refuse more. Those two undo something, and gates learn of them from the
 * next manifest.
 */
export type LedgerEvent =
  | ({ kind: 'token'; tokenId: string; expiresAt?: number; issuedAt?: number } & UnderName)
  | ({ kind: 'session'; session: string; occurredAt?: number; issuedAt?: number } & UnderName)
  | ({
      kind: 'clientSession'
      session: string
      authorizedParty: string
      occurredAt?: number
      issuedAt?: number
    } & UnderName)
  | ({ kind: 'user'; subject: string; occurredAt?: number; notBefore?: number } & UnderName)
  /**
   * One app of one user: the tokens of that user that were issued to that client (`azp`, `client_id` or the realm's
   * `grantClaim`).
   */
  | ({ kind: 'grant'; subject: string; client: string; occurredAt?: number; notBefore?: number } & UnderName)
  | { kind: 'client'; client: string; occurredAt?: number; notBefore?: number }
  | { kind: 'realm'; occurredAt?: number; notBefore?: number }
  | { kind: 'keyBanned'; thumbprint: string }
  | { kind: 'keyNotBefore'; thumbprint: string; occurredAt?: number; notBefore?: number }
  | ({ kind: 'tokenVersion'; subject: string; minimum: number } & UnderName)
  | ({ kind: 'correction'; correction: LedgerCorrection } & UnderName)
  /**
   * The realm's keys (a JWK set, JSON), for gates that take them from the feed. Refused with `private_key` if the set
   * contains a secret.
   */
  | { kind: 'keys'; jwks: string }
  /** The feed no longer carries keys: gates that took them from there have none, and refuse with `keys_unavailable`. */
  | { kind: 'keysWithdrawn' }
  /**
   * States the bounds in the ledger's options (leeway, skew, lifetime, session); adds a row only if they have changed.
   * Must be recorded after every start, before anything is published, and whenever the ledger is pruned. Wider bounds
   * take effect only once nothing that was forgotten under the old ones could be accepted, and once that is recorded.
   */
  | { kind: 'bounds' }

/** Replaces a mistaken value with the right one. Without `notBefore`, or with `minimum` 0, it removes the value. */
export type LedgerCorrection =
  | { kind: 'session'; session: string; notBefore?: number }
  | { kind: 'clientSession'; session: string; authorizedParty: string; notBefore?: number }
  | { kind: 'user'; subject: string; notBefore?: number }
  | { kind: 'grant'; subject: string; client: string; notBefore?: number }
  | { kind: 'client'; client: string; notBefore?: number }
  | { kind: 'realm'; notBefore?: number }
  /** Lifts a ban; `thumbprint` is an RFC 7638 thumbprint. */
  | { kind: 'keyBanned'; thumbprint: string }
  | { kind: 'keyNotBefore'; thumbprint: string; notBefore?: number }
  | { kind: 'tokenVersion'; subject: string; minimum: number }

/** A staged event, ready to be stored. */
export interface LedgerRow {
  sequence: number
  /** Unix seconds after which the row is no longer needed; `undefined` if it is never deleted. */
  keepUntil?: number
  payload: Uint8Array
  chain: Uint8Array
}

/**
 * The core's finding about the time of an event. `source_ahead`: a source's time is ahead of our clock and is recorded
 * unchanged. `source_replaced`: it is more than an hour ahead. `caller_replaced`: a caller's value is more than
 * `skewSeconds` ahead. In the latter two cases the origin's time is recorded instead.
 */
export type TimeTaken = 'source_ahead' | 'source_replaced' | 'caller_replaced'

/** The time of an event, if there is something to report about it. */
export interface EventTime {
  taken: TimeTaken
  /** How far it was ahead of our clock. */
  aheadBySeconds: number
}

/** A staged event, and the finding about its time. */
export interface StagedEvent {
  row: LedgerRow
  time?: EventTime
}

/**
 * A delta, and the sequence to which it leads. Its length is bounded, so it may end before the requested sequence. A
 * heartbeat leads to the head.
 */
export interface SignedDelta {
  bytes: Uint8Array
  sequence: number
}

/** A realm's ledger in the core. Only committed rows are ever signed. */
export interface LedgerCore {
  /** Restores rows in order of sequence from their parts. The error names the row and its fault. */
  restorePage(sequences: Float64Array, lengths: Uint32Array, contents: Uint8Array): void
  restoreHead(sequence: number, chain: Uint8Array): void
  /**
   * Stages an event. Returns `undefined` if it is already in force. `issuerLeadSeconds` is the issuer's measured lead;
   * a whole number, default 0.
   */
  stage(
    event: LedgerEvent,
    now: number,
    issuerLeadSeconds?: number,
  ): (LedgerRow & { timeTaken?: TimeTaken; aheadBySeconds: number; free(): void }) | undefined
  commit(): void
  abort(): void
  /** Signs a manifest in the form of a minor version; default 0, here and for deltas. */
  manifest(now: number, minor?: Minor): Uint8Array
  section(sha256: string): Uint8Array | undefined
  /** Throws with code `pruned` or `ahead`. */
  signedDelta(after: number, now: number, minor?: Minor): SignedDelta
  /**
   * Returns the first and last sequence of the delta for a reader at `after`, chosen so that few deltas serve all.
   * Throws like `signedDelta`.
   */
  sharedStretch(after: number): Float64Array
  /**
   * Returns a signed delta from `start` (or earlier) to `until` (or earlier), for a reader at `after`. Throws like
   * `signedDelta`.
   */
  signedDeltaOver(start: number, after: number, until: number, now: number, minor?: Minor): SignedDelta
  /**
   * The lowest minor version whose form states everything in force exactly: readers of lower ones refuse more than was
   * meant.
   */
  readonly exactMinor: number
  /** The head since which a delta that ends before the head can be resent unchanged. */
  readonly settledSince: number
  /** The start from which one delta leads to the head, for all readers that are at most 16,384 changes behind. */
  readonly widestStart: number
  prune(now: number): number
  /** The sequence of the head. */
  readonly sequence: number
  /** Returns sequence and chain of the head; `chain` is 32 hexadecimal digits. */
  head(): { sequence: number; chain: string }
  /** Returns the chain at a past sequence; `undefined` if it is no longer known or never existed. */
  chainAt(sequence: number): string | undefined
  /**
   * Signs with this private key from now on. Gates must have both public keys pinned meanwhile. Throws
   * `invalid_option`.
   */
  setSigningKey(jwk: JWK): void
  refuses(subject: TokenSubject): string | undefined
  userNotBefore(subject: string, issuer?: string): number
  grantNotBefore(subject: string, client: string, issuer?: string): number
  /** Returns the not-before of the key with this RFC 7638 thumbprint; 0 if none is set. */
  keyNotBefore(thumbprint: string): number
  /** Returns the minimum version that the user's tokens must have; 0 if none is set. */
  minimumVersion(subject: string, issuer?: string): number
  /** The JWK set in the feed, as it was recorded; `undefined` if the feed carries none. */
  jwks(): string | undefined
  /** Returns whether the key with this RFC 7638 thumbprint is banned. */
  bans(thumbprint: string): boolean
  stats(): LedgerStats
  free(): void
}

/** Sizes of a ledger. */
export interface LedgerStats {
  sequence: number
  /** Revoked token ids. */
  tokenIds: number
  /** Expiry buckets that hold them, excluding those of unknown expiry. */
  buckets: number
  /** The fill level of the fullest published filter, from 0 to 1; at 1 it is rebuilt larger. */
  filterFill: number
  /** The configured share of valid tokens refused by mistake when a filter is full. */
  errorRate: number
  /** Not-befores of users, sessions and client sessions. */
  epochs: number
  /** Not-befores of grants. */
  grants: number
  /** Not-befores of clients. */
  clients: number
  /** Banned keys. */
  bans: number
  /** Keys with a not-before. */
  keyNotBefores: number
  /** Users with a minimum token version. */
  versions: number
  /** The size of the sections of the last manifest, in bytes. */
  sectionBytes: number
  /** The bounds in force, as published to gates. Narrower than the options' for a while after those were widened. */
  bounds: {
    leewaySeconds: number
    skewSeconds: number
    maxLifetimeSeconds: number
    maxSessionSeconds: number | undefined
  }
}

/** The claims of a token that is passed to `Origin.refuses`. */
export interface TokenSubject {
  /** Its `iss`: required if the realm's issuer has several names with separate subjects. */
  issuer?: string
  subject?: string
  session?: string
  authorizedParty?: string
  clientId?: string
  /**
   * The value of the realm's `grantClaim`; used only if the realm has one, instead of `authorizedParty` and `clientId`.
   */
  grant?: string
  /** The RFC 7638 thumbprint of the key that signed the token. Default: any key. */
  keyThumbprint?: string
  tokenId?: string
  /** Unix seconds. */
  issuedAt: number
  /** Unix seconds. */
  expiresAt: number
  tokenVersion?: number
  /**
   * The time compared with not-befores, in unix seconds: the login (`auth_time`) with `compare: 'authTime'`. Default
   * `issuedAt`.
   */
  comparedAt?: number
  /** The user's last logout as stated in the token, in unix seconds. Default: not stated. */
  lastLogoutTime?: number
}
