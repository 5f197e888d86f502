import { initSync, Gate, Ledger, generateFeedKey as generate } from '../../wasm/origin/core.js'
import { PortcullisError } from '../errors.ts'
import type { JWK } from '../types.ts'

let loaded = false

/** Instantiates the core; the entry files call it. A second call does nothing. */
export function load(module: BufferSource | WebAssembly.Module): void {
  if (loaded) return
  initSync({ module })
  loaded = true
}

/** Makes a ledger. Throws `invalid_option` with what the core says of its options. */
export function createLedger(options: LedgerOptions): LedgerCore {
  assertLoaded()
  try {
    return new Ledger(options) as LedgerCore
  } catch (cause) {
    throw new PortcullisError('invalid_option', `realm ${options.name}: the ledger was refused: ${messageOf(cause)}`, { cause })
  }
}

/** Makes the origin's own gate. Throws `invalid_option`. */
export function createGateCore(options: GateCoreOptions): GateCore {
  assertLoaded()
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
  assertLoaded()
  return generate() as { signingKey: JWK; publicKey: JWK }
}

/** The stable word of an error thrown by the core, such as `pruned` or `invalid_token`. */
export function coreCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

function assertLoaded(): void {
  if (loaded) return
  throw new PortcullisError('not_loaded', "the core is not loaded: import 'portcullis/origin', whose entry file loads it")
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : 'unknown cause'
}

/** What a ledger is made with; every time is in seconds. */
export interface LedgerOptions {
  name: string
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

/** Whom the ledger is asked about. */
export interface LedgerSubject {
  subject?: string
  session?: string
  authorizedParty?: string
  clientId?: string
  tokenId?: string
  issuedAt: number
  expiresAt: number
  tokenVersion?: number
}

/** A realm's ledger in the core. Only committed rows are ever signed. */
export interface LedgerCore {
  restore(sequence: number, payload: Uint8Array, chain: Uint8Array): void
  restoreHead(sequence: number, chain: Uint8Array): void
  /** `undefined`: the event is in force already. */
  stage(event: LedgerEvent, now: number): LedgerRow | undefined
  commit(): void
  abort(): void
  manifest(now: number): Uint8Array
  section(sha256: string): Uint8Array | undefined
  /** Throws with code `pruned` or `ahead`. */
  delta(after: number, now: number): Uint8Array
  prune(now: number): number
  /** `chain` is 32 hexadecimal digits. */
  head(): { sequence: number; chain: string }
  refuses(subject: LedgerSubject): string | undefined
  userNotBefore(subject: string): number
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
  expiresAt?: number
  issuedAt?: number
}

export interface GateCoreOptions {
  maxTokenBytes: number
  leewaySeconds: number
  skewSeconds: number
  maxLifetimeSeconds: number
  maxStaleSeconds: number
  whenStale: 'refuse' | 'accept'
  maxAcceptStaleSeconds: number
  realms: unknown[]
}

/** The gate in the core; realms are named by their index. */
export interface GateCore {
  check(token: string, now: number): number
  identify(token: string): Identified
  setKeys(
    realm: number,
    jwksJson: Uint8Array,
    usableUntil: number,
    source: 'configuration' | 'url',
  ): { accepted: number; skipped: { index: number; reason: string }[] }
  clearKeys(realm: number): void
  applyFeed(bytes: Uint8Array, now: number): { realm: number; sequence: number; effect: 'changed' | 'renewed' | 'known' | 'staged' }
  missingSections(realm: number): string[]
  provideSection(realm: number, bytes: Uint8Array): 'stored' | 'committed'
  state(realm: number): { loaded: boolean; sequence: number; wantsManifest: boolean; hasKeys: boolean }
  free(): void
}
