import { Gate, generateFeedKey as generate, Ledger, WithdrawnKeys } from '../../../wasm/origin/core.js'
import { PortcullisError } from '../../errors.ts'
import type { Host } from '../../core/module.ts'
import type { CorePolicy } from '../../policy.ts'
import type { JWK } from '../../types.ts'
import { GuardedLedger } from './guarded-ledger.ts'
import { guarded, loading, lostCore } from './module.ts'

export { coreCode } from './module.ts'

/** Makes the core ready. Every entry file calls it once, at import; later calls change nothing. */
export function load(module: WebAssembly.Module, host: Host): void {
  loading.load(module, host)
}

/** What the runtime allows. Throws `not_loaded`. */
export function host(): Host {
  return loading.host
}

/** After a failure the next origin of this process is opened in a new instance. Throws `not_loaded` and `fault`. */
function mustBeUsable(): void {
  if (!loading.renew()) throw lostCore()
}

/** Makes a realm's ledger. Throws `fault`, and `invalid_option` with what the core says of its options. */
export function createLedger(realm: string, options: LedgerOptions): LedgerCore {
  mustBeUsable()
  try {
    return guarded(() => new GuardedLedger(new Ledger(options) as LedgerCore))
  } catch (cause) {
    if (cause instanceof PortcullisError) throw cause
    throw new PortcullisError('invalid_option', `realm ${realm}: the ledger was refused: ${messageOf(cause)}`, { cause })
  }
}

/** Stages an event as `LedgerCore.stage` does, and copies its row out of the core. */
export function stageEvent(ledger: LedgerCore, event: LedgerEvent, now: number, issuerLeadSeconds = 0): StagedEvent | undefined {
  const staged = ledger.stage(event, now, issuerLeadSeconds)
  return staged === undefined ? undefined : guarded(() => copied(staged, event))
}

function copied(staged: NonNullable<ReturnType<LedgerCore['stage']>>, event: LedgerEvent): StagedEvent {
  const { sequence, keepUntil, payload, chain } = staged
  // Each member is a call into the core; of most events, which state no time, there is nothing to report.
  const taken = 'occurredAt' in event || 'notBefore' in event ? staged.timeTaken : undefined
  const time = taken === undefined ? undefined : { taken, aheadBySeconds: staged.aheadBySeconds }
  staged.free()
  const row = keepUntil === undefined ? { sequence, payload, chain } : { sequence, keepUntil, payload, chain }
  return time === undefined ? { row } : { row, time }
}

/** Makes the origin's own gate, for `GateCore`. Throws `fault` and `invalid_option`. */
export function createWasmGate(options: GateCoreOptions): WasmGate {
  mustBeUsable()
  try {
    return guarded(() => new Gate(options) as unknown as WasmGate)
  } catch (cause) {
    if (cause instanceof PortcullisError) throw cause
    throw new PortcullisError('invalid_option', `the realms were refused: ${messageOf(cause)}`, { cause })
  }
}

/** Makes the set of withdrawn keys of a gate with so many realms; none are in it yet. */
export function createWithdrawnKeys(realms: number): WasmWithdrawnKeys {
  mustBeUsable()
  return guarded(() => new WithdrawnKeys(realms) as unknown as WasmWithdrawnKeys)
}

/** The core's memory. Throws `not_loaded`. */
export function memory(): WebAssembly.Memory {
  return loading.memory
}

/**
 * A new Ed25519 key pair for signing feeds. `signingKey` is the origin's secret; `publicKey` goes to every gate
 * (`feed.keys`).
 */
export async function generateFeedKey(): Promise<{ signingKey: JWK; publicKey: JWK }> {
  host()
  return generate() as { signingKey: JWK; publicKey: JWK }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : 'unknown cause'
}

/** What a ledger is made with; every time is in seconds. */
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
}

/**
 * One event of a ledger, as the core takes it. Times are in unix seconds. `occurredAt` is the event's own time, by an
 * authenticated source, and is recorded as it is; `notBefore` is a value that a caller chose. All but `correction` and `keysWithdrawn` only ever
 * refuse more; those two take something back, which gates learn from the next manifest.
 */
export type LedgerEvent =
  | { kind: 'token'; tokenId: string; expiresAt?: number; issuedAt?: number }
  | { kind: 'session'; session: string; occurredAt?: number; issuedAt?: number }
  | { kind: 'clientSession'; session: string; authorizedParty: string; occurredAt?: number; issuedAt?: number }
  | { kind: 'user'; subject: string; occurredAt?: number; notBefore?: number }
  | { kind: 'client'; client: string; occurredAt?: number; notBefore?: number }
  | { kind: 'realm'; occurredAt?: number; notBefore?: number }
  | { kind: 'keyBanned'; thumbprint: string }
  | { kind: 'tokenVersion'; subject: string; minimum: number }
  | { kind: 'correction'; correction: LedgerCorrection }
  /** The realm's keys (a JWK set, JSON), for gates that take them from the feed. Refused with `private_key` if it holds a secret. */
  | { kind: 'keys'; jwks: string }
  /** The feed carries no keys any more: gates that took them from there have none, and answer `keys_unavailable`. */
  | { kind: 'keysWithdrawn' }
  /**
   * The ledger's options have the bounds that they have (leeway, skew, lifetime, session). A row only when that is news. To be
   * recorded after every start, before anything is published, and whenever the ledger is pruned: bounds wider than before count
   * only once nothing that was forgotten under the old ones could be accepted, and once that is recorded.
   */
  | { kind: 'bounds' }

/** A mistaken value is replaced by the right one. Without `notBefore`, or with `minimum` 0, it is taken away. */
export type LedgerCorrection =
  | { kind: 'session'; session: string; notBefore?: number }
  | { kind: 'clientSession'; session: string; authorizedParty: string; notBefore?: number }
  | { kind: 'user'; subject: string; notBefore?: number }
  | { kind: 'client'; client: string; notBefore?: number }
  | { kind: 'realm'; notBefore?: number }
  /** The ban is lifted; `thumbprint` is that of RFC 7638. */
  | { kind: 'keyBanned'; thumbprint: string }
  | { kind: 'tokenVersion'; subject: string; minimum: number }

/** A staged event, ready to be stored. */
export interface LedgerRow {
  sequence: number
  /** Unix seconds after which nothing needs the row any more; `undefined`: it is kept for ever. */
  keepUntil?: number
  payload: Uint8Array
  chain: Uint8Array
}

/**
 * What the core says of the time that came with an event: a source's own time lies ahead of us and is recorded as it is; or it
 * is more than an hour ahead; or a caller's value is more than `skewSeconds` ahead. The latter two are not believed: the
 * origin's time is recorded.
 */
export type TimeTaken = 'source_ahead' | 'source_replaced' | 'caller_replaced'

/** The time of an event, where there is something to report of it. */
export interface EventTime {
  taken: TimeTaken
  /** How far ahead of us it was. */
  aheadBySeconds: number
}

/** A staged event, and what there is to report of the time that came with it. */
export interface StagedEvent {
  row: LedgerRow
  time?: EventTime
}

/** A realm's ledger in the core. Only committed rows are ever signed. */
export interface LedgerCore {
  /** Rows in order of sequence, by their parts. Throws with what is wrong with which row. */
  restorePage(sequences: Float64Array, lengths: Uint32Array, contents: Uint8Array): void
  restoreHead(sequence: number, chain: Uint8Array): void
  /** `undefined`: the event is in force already. `issuerLeadSeconds`: how far the issuer is ahead, as measured; whole, default 0. */
  stage(
    event: LedgerEvent,
    now: number,
    issuerLeadSeconds?: number,
  ): (LedgerRow & { timeTaken?: TimeTaken; aheadBySeconds: number; free(): void }) | undefined
  commit(): void
  abort(): void
  manifest(now: number): Uint8Array
  section(sha256: string): Uint8Array | undefined
  /** Throws with code `pruned` or `ahead`. */
  delta(after: number, now: number): Uint8Array
  /** From which sequence and up to which one a reader at `after` is told, so that few deltas serve all. Throws likewise. */
  sharedStretch(after: number): Float64Array
  /** From `start` or before, for a reader at `after`, to `until` or before. Throws likewise. */
  deltaOver(start: number, after: number, until: number, now: number): Uint8Array
  /** The head from which on a delta that ends before the head can be sent again as it is. */
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
  /** Signs by this private key from now on. Gates must have both public keys pinned meanwhile. Throws `invalid_option`. */
  setSigningKey(jwk: JWK): void
  refuses(subject: TokenSubject): string | undefined
  userNotBefore(subject: string): number
  /** 0: none was set. */
  minimumVersion(subject: string): number
  /** The JWK set in the feed, as it was recorded; `undefined`: the feed carries none. */
  jwks(): string | undefined
  /** `thumbprint` is that of RFC 7638. */
  bans(thumbprint: string): boolean
  facts(): LedgerFacts
  free(): void
}

/** What a ledger holds. */
export interface LedgerFacts {
  sequence: number
  /** Revoked token ids. */
  tokenIds: number
  /** Expiry buckets that they are in, those of unknown expiry aside. */
  buckets: number
  /** How full the fullest published filter is, from 0 to 1; at 1 it is built anew, bigger. */
  filterFill: number
  /** The share of good tokens refused by mistake at a full filter, as it was asked for. */
  errorRate: number
  /** Not-befores of users, sessions and client sessions. */
  epochs: number
  /** Not-befores of clients. */
  clients: number
  /** Banned keys. */
  bans: number
  /** Users with a minimum token version. */
  versions: number
  /** Bytes of the sections of the last manifest. */
  sectionBytes: number
  /** The bounds in force: what gates are told. Smaller than the options' for a while after those were widened. */
  bounds: { leewaySeconds: number; skewSeconds: number; maxLifetimeSeconds: number; maxSessionSeconds: number | undefined }
}

/** What a token says of itself once its signature is known to be good. */
export interface Identified {
  realm: number
  tokenId?: string
  subject?: string
  session?: string
  authorizedParty?: string
  clientId?: string
  expiresAt?: number
  issuedAt?: number
}

/** A token that was signed by a withdrawn key: what its revocation by id takes, and nothing more. */
export interface WithdrawnToken {
  realm: number
  /** The key's RFC 7638 thumbprint. */
  thumbprint: string
  tokenId: string
  issuedAt: number
  expiresAt: number
  authorizedParty?: string
  clientId?: string
}

/** Keys that issuers have withdrawn, apart from those that a gate judges by. */
export interface WasmWithdrawnKeys {
  /** `jwks` is a JWK set; `withdrawnAt` is in unix seconds. */
  add(gate: WasmGate, realm: number, jwks: Uint8Array, withdrawnAt: number): void
  clear(realm: number): void
  /** Throws with code `invalid_token` or `unexpected_token_use`. */
  identify(gate: WasmGate, token: string, now: number): WithdrawnToken
  free(): void
}

export interface GateCoreOptions {
  maxTokenBytes: number
  leewaySeconds: number
  skewSeconds: number
  maxLifetimeSeconds: number
  maxSessionSeconds?: number
  maxStaleSeconds: number
  whenStale: 'refuse' | 'accept'
  maxAcceptStaleSeconds: number
  verifiedTokenCacheEntries: number
  verifiedTokenCacheBytes: number
  hostAlgorithms: readonly string[]
  realms: (CorePolicy & { keysFrom: 'caller' | 'feed'; feedKeys: JWK[] })[]
}

/** The gate in the core; realms are named by their index. A token is written to the exchange before it is asked about. */
export interface WasmGate {
  /** Where tokens are written and signatures read: one byte more than `maxTokenBytes`. */
  readonly exchange: number
  /** Four numbers about what the host is to check: handle, key number, length of the signing input, of the signature. */
  readonly errand: number
  /** A finding code. */
  begin(length: number, now: number, help: boolean): number
  finish(handle: number, outcome: number, now: number): number
  hostKey(handle: number): string[]
  /** Throws with code `invalid_token`, `unexpected_token_use` or `keys_unavailable`. `undefined`: there is an errand. */
  beginToIdentify(length: number, now: number): Identified | undefined
  /** Likewise. `undefined`: there is no such handle any more. */
  finishToIdentify(handle: number, outcome: number, now: number): Identified | undefined
  setKeys(
    realm: number,
    jwksJson: Uint8Array,
    usableUntil: number,
    source: 'configuration' | 'url',
  ): { accepted: number; skipped: { index: number; reason: string }[] }
  applyFeed(realm: number, bytes: Uint8Array, now: number): { sequence: number; effect: 'changed' | 'partial' | 'renewed' | 'known' | 'staged' }
  peekFeed(bytes: Uint8Array): { realm: number; sequence: number }
  missingSections(realm: number): string[]
  provideSection(realm: number, bytes: Uint8Array, sha256?: Uint8Array): 'stored' | 'committed'
  /** -1: it has no state yet, or needs a manifest. */
  sequence(realm: number): number
  /** The digest of what a realm's gate and origin must agree on. */
  policy(realm: number): string
  /** The options in which two realms do not agree, as an origin and its gates must. */
  policyDifferences(one: number, other: number): string[]
  free(): void
}

/** Whom `Origin.refuses` is asked about: what a token says. */
export interface TokenSubject {
  subject?: string
  session?: string
  authorizedParty?: string
  clientId?: string
  tokenId?: string
  /** Unix seconds. */
  issuedAt: number
  /** Unix seconds. */
  expiresAt: number
  tokenVersion?: number
  /** What not-befores are compared with, in unix seconds: the login (`auth_time`) with `compare: 'authTime'`. Default `issuedAt`. */
  comparedAt?: number
  /** The user's last logout, as the token says, in unix seconds. Default: it says nothing. */
  lastLogoutTime?: number
}
