import { Gate, generateFeedKey as generate, initSync, Ledger, reasons } from '../../wasm/origin/core.js'
import { PortcullisError } from '../errors.ts'
import { type Host, Loading } from '../loading.ts'
import type { CorePolicy } from '../policy.ts'
import type { JWK } from '../types.ts'
import type { TokenSubject } from './types.ts'

const loading = new Loading({ initSync, reasons }, "import from 'portcullis/origin', which loads it")

/** Makes the core ready. Every entry file calls it once, at import; later calls change nothing. */
export function load(module: WebAssembly.Module, host: Host): void {
  loading.load(module, host)
}

/** What the runtime allows. Throws `not_loaded`. */
export function host(): Host {
  return loading.host
}

/** Makes a realm's ledger. Throws `invalid_option` with what the core says of its options. */
export function createLedger(realm: string, options: LedgerOptions): LedgerCore {
  host()
  try {
    return new Ledger(options) as LedgerCore
  } catch (cause) {
    throw new PortcullisError('invalid_option', `realm ${realm}: the ledger was refused: ${messageOf(cause)}`, { cause })
  }
}

/** Stages an event as `LedgerCore.stage` does, and copies its row out of the core. */
export function stageEvent(ledger: LedgerCore, event: LedgerEvent, now: number): LedgerRow | undefined {
  const row = ledger.stage(event, now)
  if (row === undefined) return undefined
  const { sequence, keepUntil, payload, chain } = row
  row.free()
  return keepUntil === undefined ? { sequence, payload, chain } : { sequence, keepUntil, payload, chain }
}

/** Makes the origin's own gate. Throws `invalid_option`. */
export function createGateCore(options: GateCoreOptions): GateCore {
  host()
  try {
    return new Gate(options) as unknown as GateCore
  } catch (cause) {
    throw new PortcullisError('invalid_option', `the realms were refused: ${messageOf(cause)}`, { cause })
  }
}

/**
 * A new Ed25519 key pair for signing feeds. `signingKey` is the origin's secret; `publicKey` goes to every gate
 * (`feed.keys`).
 */
export async function generateFeedKey(): Promise<{ signingKey: JWK; publicKey: JWK }> {
  host()
  return generate() as { signingKey: JWK; publicKey: JWK }
}

/** The stable word of an error thrown by the core, such as `pruned` or `invalid_token`. */
export function coreCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
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
  errorRate: number
  validForSeconds: number
  incarnation: number
}

/** One event of a ledger, as the core takes it. */
export type LedgerEvent =
  | { kind: 'token'; tokenId: string; expiresAt?: number; issuedAt?: number }
  | { kind: 'session'; session: string; issuedAt?: number }
  | { kind: 'clientSession'; session: string; authorizedParty: string; issuedAt?: number }
  | { kind: 'user'; subject: string; notBefore?: number }
  | { kind: 'client'; client: string; notBefore?: number }
  | { kind: 'realm'; notBefore?: number }
  | { kind: 'keyBanned'; thumbprint: string }
  | { kind: 'tokenVersion'; subject: string; minimum: number }
  | { kind: 'keys'; jwks: string }

/** A staged event, ready to be stored. */
export interface LedgerRow {
  sequence: number
  /** Unix seconds after which nothing needs the row any more; `undefined`: it is kept for ever. */
  keepUntil?: number
  payload: Uint8Array
  chain: Uint8Array
}

/** A realm's ledger in the core. Only committed rows are ever signed. */
export interface LedgerCore {
  restore(sequence: number, payload: Uint8Array, chain: Uint8Array): void
  restoreHead(sequence: number, chain: Uint8Array): void
  /** `undefined`: the event is in force already. */
  stage(event: LedgerEvent, now: number): (LedgerRow & { free(): void }) | undefined
  commit(): void
  abort(): void
  manifest(now: number): Uint8Array
  section(sha256: string): Uint8Array | undefined
  /** Throws with code `pruned` or `ahead`. */
  delta(after: number, now: number): Uint8Array
  prune(now: number): number
  /** `chain` is 32 hexadecimal digits. */
  head(): { sequence: number; chain: string }
  refuses(subject: TokenSubject): string | undefined
  userNotBefore(subject: string): number
  /** 0: none was set. */
  minimumVersion(subject: string): number
  /** `thumbprint` is that of RFC 7638. */
  bans(thumbprint: string): boolean
  facts(): { tokenIds: number; epochs: number }
  free(): void
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

/** The gate in the core; realms are named by their index. */
export interface GateCore {
  /** Bits 0-7: 0, or one more than the reason's place in `REASONS`; bits 8-23: 0, or one more than the realm's index. */
  check(token: string, now: number): number
  /** Throws with code `invalid_token`, `unexpected_token_use` or `keys_unavailable`. */
  identify(token: string, now: number): Identified
  setKeys(
    realm: number,
    jwksJson: Uint8Array,
    usableUntil: number,
    source: 'configuration' | 'url',
  ): { accepted: number; skipped: { index: number; reason: string }[] }
  clearKeys(realm: number): void
  applyFeed(bytes: Uint8Array, now: number): { realm: number; sequence: number; effect: 'changed' | 'partial' | 'renewed' | 'known' | 'staged' }
  peekFeed(bytes: Uint8Array): { realm: number; sequence: number }
  missingSections(realm: number): string[]
  provideSection(realm: number, bytes: Uint8Array): 'stored' | 'committed'
  state(realm: number): { loaded: boolean; sequence: number; wantsManifest: boolean; hasKeys: boolean }
  free(): void
}
