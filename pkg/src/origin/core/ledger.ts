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
  /** The policy of the realm's gates, of which the feed states digests. Default: it states none. */
  policy?: CorePolicy
}

/**
 * The name of the issuer under which a subject is known. Default: the first one, or all of them where they have the
 * same subjects.
 */
export interface UnderName {
  issuer?: string
}

/**
 * One event of a ledger, as the core takes it. Times are in unix seconds. `occurredAt` is the event's own time, by an
 * authenticated source, and is recorded as it is; `notBefore` is a value that a caller chose. All but `correction` and
 * `keysWithdrawn` only ever refuse more; those two take something back, which gates learn from the next manifest.
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
  /** One app of one user: the tokens of that client (`azp`, `client_id` or the realm's `grantClaim`) and that user. */
  | ({ kind: 'grant'; subject: string; client: string; occurredAt?: number; notBefore?: number } & UnderName)
  | { kind: 'client'; client: string; occurredAt?: number; notBefore?: number }
  | { kind: 'realm'; occurredAt?: number; notBefore?: number }
  | { kind: 'keyBanned'; thumbprint: string }
  | { kind: 'keyNotBefore'; thumbprint: string; occurredAt?: number; notBefore?: number }
  | ({ kind: 'tokenVersion'; subject: string; minimum: number } & UnderName)
  | ({ kind: 'correction'; correction: LedgerCorrection } & UnderName)
  /**
   * The realm's keys (a JWK set, JSON), for gates that take them from the feed. Refused with `private_key` if it holds
   * a secret.
   */
  | { kind: 'keys'; jwks: string }
  /** The feed carries no keys any more: gates that took them from there have none, and answer `keys_unavailable`. */
  | { kind: 'keysWithdrawn' }
  /**
   * The ledger's options have the bounds that they have (leeway, skew, lifetime, session). A row only if they have
   * changed. To be recorded after every start, before anything is published, and whenever the ledger is pruned: bounds
   * wider than before count only once nothing that was forgotten under the old ones could be accepted, and once that is
   * recorded.
   */
  | { kind: 'bounds' }

/** A mistaken value is replaced by the right one. Without `notBefore`, or with `minimum` 0, it is taken away. */
export type LedgerCorrection =
  | { kind: 'session'; session: string; notBefore?: number }
  | { kind: 'clientSession'; session: string; authorizedParty: string; notBefore?: number }
  | { kind: 'user'; subject: string; notBefore?: number }
  | { kind: 'grant'; subject: string; client: string; notBefore?: number }
  | { kind: 'client'; client: string; notBefore?: number }
  | { kind: 'realm'; notBefore?: number }
  /** The ban is lifted; `thumbprint` is that of RFC 7638. */
  | { kind: 'keyBanned'; thumbprint: string }
  | { kind: 'keyNotBefore'; thumbprint: string; notBefore?: number }
  | { kind: 'tokenVersion'; subject: string; minimum: number }

/** A staged event, ready to be stored. */
export interface LedgerRow {
  sequence: number
  /** Unix seconds after which nothing needs the row any more; `undefined`: it is never deleted. */
  keepUntil?: number
  payload: Uint8Array
  chain: Uint8Array
}

/**
 * The core's finding about the time that came with an event: a source's time lies ahead of us and is recorded
 * unchanged; or it is more than an hour ahead; or a caller's value is more than `skewSeconds` ahead. The latter two are
 * not used: the origin's time is recorded.
 */
export type TimeTaken = 'source_ahead' | 'source_replaced' | 'caller_replaced'

/** The time of an event, where there is something to report of it. */
export interface EventTime {
  taken: TimeTaken
  /** How far ahead of us it was. */
  aheadBySeconds: number
}

/** A staged event, and the finding on the time that came with it. */
export interface StagedEvent {
  row: LedgerRow
  time?: EventTime
}

/**
 * A delta, and where it leads: not always to where it was to end, for its length is bounded. A heartbeat leads to the
 * head.
 */
export interface SignedDelta {
  bytes: Uint8Array
  sequence: number
}

/** A realm's ledger in the core. Only committed rows are ever signed. */
export interface LedgerCore {
  /** Rows in order of sequence, by their parts. The error names the row and its fault. */
  restorePage(sequences: Float64Array, lengths: Uint32Array, contents: Uint8Array): void
  restoreHead(sequence: number, chain: Uint8Array): void
  /**
   * `undefined`: the event is in force already. `issuerLeadSeconds`: how far the issuer is ahead, as measured; whole,
   * default 0.
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
   * The first and last sequence of the delta for a reader at `after`, so that few deltas serve all. Throws likewise.
   */
  sharedStretch(after: number): Float64Array
  /** From `start` or before, for a reader at `after`, to `until` or before. Throws likewise. */
  signedDeltaOver(start: number, after: number, until: number, now: number, minor?: Minor): SignedDelta
  /**
   * The least minor version whose form states everything in force exactly: readers of lower ones refuse more than was
   * meant.
   */
  readonly exactMinor: number
  /** The head from which on a delta that ends before the head can be sent again unchanged. */
  readonly settledSince: number
  /** From where one delta leads to the head all who are behind by no more than 16,384 changes. */
  readonly widestStart: number
  prune(now: number): number
  /** The head's. */
  readonly sequence: number
  /** `chain` is 32 hexadecimal digits. */
  head(): { sequence: number; chain: string }
  /** The chain at a past sequence; `undefined` where it is not known any more, or never was. */
  chainAt(sequence: number): string | undefined
  /**
   * Signs by this private key from now on. Gates must have both public keys pinned meanwhile. Throws `invalid_option`.
   */
  setSigningKey(jwk: JWK): void
  refuses(subject: TokenSubject): string | undefined
  userNotBefore(subject: string, issuer?: string): number
  grantNotBefore(subject: string, client: string, issuer?: string): number
  /** `thumbprint` is that of RFC 7638. */
  keyNotBefore(thumbprint: string): number
  /** 0: none was set. */
  minimumVersion(subject: string, issuer?: string): number
  /** The JWK set in the feed, as it was recorded; `undefined`: the feed carries none. */
  jwks(): string | undefined
  /** `thumbprint` is that of RFC 7638. */
  bans(thumbprint: string): boolean
  stats(): LedgerStats
  free(): void
}

/** Sizes of a ledger. */
export interface LedgerStats {
  sequence: number
  /** Revoked token ids. */
  tokenIds: number
  /** Expiry buckets that they are in, those of unknown expiry aside. */
  buckets: number
  /** How full the fullest published filter is, from 0 to 1; at 1 it is built anew, bigger. */
  filterFill: number
  /** The share of good tokens refused by mistake at a full filter, as configured. */
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
  /** Bytes of the sections of the last manifest. */
  sectionBytes: number
  /** The bounds in force, as published to gates. Smaller than the options' for a while after those were widened. */
  bounds: {
    leewaySeconds: number
    skewSeconds: number
    maxLifetimeSeconds: number
    maxSessionSeconds: number | undefined
  }
}

/** The claims of a token about which `Origin.refuses` is asked. */
export interface TokenSubject {
  /** Its `iss`: required where the realm's issuer has several names with subjects of their own. */
  issuer?: string
  subject?: string
  session?: string
  authorizedParty?: string
  clientId?: string
  /**
   * The value of the realm's `grantClaim`; used only where the realm has one, in place of `authorizedParty` and
   * `clientId`.
   */
  grant?: string
  /** RFC 7638: of the key that signed the token. Default: any key. */
  keyThumbprint?: string
  tokenId?: string
  /** Unix seconds. */
  issuedAt: number
  /** Unix seconds. */
  expiresAt: number
  tokenVersion?: number
  /**
   * The time that not-befores are compared with, in unix seconds: the login (`auth_time`) with `compare: 'authTime'`.
   * Default `issuedAt`.
   */
  comparedAt?: number
  /** The user's last logout, as the token says, in unix seconds. Default: it says nothing. */
  lastLogoutTime?: number
}
