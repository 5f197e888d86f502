import { Gate, initSync, reasons } from '../../wasm/edge/core.js'
import { type ErrorCode, PortcullisError } from '../errors.ts'
import { type Host, Loading } from '../loading.ts'
import type { CorePolicy } from '../policy.ts'
import { REASONS, type Reason } from '../reasons.ts'
import type { Check, JWK } from '../types.ts'

export type { Host } from '../loading.ts'

const loading = new Loading(
  { initSync, reasons },
  "import from 'portcullis/edge', or from 'portcullis/edge/slim' and first call load(module, { shareFlights }) with the " +
    'WebAssembly.Module of portcullis/edge.wasm',
)

/** Makes the core ready. Every entry file calls it once, at import; later calls change nothing. */
export function load(module: WebAssembly.Module, host: Host): void {
  loading.load(module, host)
}

/** What the runtime allows. Throws `not_loaded`. */
export function host(): Host {
  return loading.host
}

export interface CoreOptions {
  maxTokenBytes: number
  leewaySeconds: number
  skewSeconds: number
  maxLifetimeSeconds: number
  maxSessionSeconds: number | undefined
  maxStaleSeconds: number
  whenStale: 'refuse' | 'accept'
  maxAcceptStaleSeconds: number
  /** `keysFrom`: whether `setKeys` brings a realm's keys, or its feed. */
  realms: (CorePolicy & { feedKeys: JWK[]; keysFrom: 'caller' | 'feed' })[]
}

/** What the core found about a token, at one moment. */
export interface Finding {
  /** `undefined`: accepted. */
  reason: Reason | undefined
  /** Index of the realm; `undefined`: of no realm here. */
  realm: number | undefined
  /** Whether the issuer had recorded more, when it made the token, than is known here. */
  behind: boolean
}

/** A realm's revocation state. Times in unix seconds. */
export interface CoreState {
  loaded: boolean
  sequence: number
  chain: string
  issuedAt: number
  notAfter: number
  wantsManifest: boolean
  hasKeys: boolean
  tokenIds: number
  epochs: number
  sectionBytes: number
  liveEntries: number
  errorRate: number
}

export interface CoreApplied {
  realm: number
  sequence: number
  /** `partial`: changed, but the ledger's head lies further on. */
  effect: 'changed' | 'partial' | 'renewed' | 'known' | 'staged'
}

/** The wasm gate with our errors. Realms are indices into `realms` of its options. All of it is synchronous. */
export class Core {
  readonly #gate: Gate

  /** Throws `not_loaded`, and `invalid_option` for what only the core can tell, such as an unusable feed key. */
  constructor(options: CoreOptions) {
    host()
    this.#gate = as('invalid_option', () => new Gate(options))
  }

  check(token: string, now: number): Finding {
    const found = this.#gate.check(token, now)
    const [reason, realm] = [found & 0xff, (found >>> 8) & 0xffff]
    return {
      reason: reason === 0 ? undefined : REASONS[reason - 1],
      realm: realm === 0 ? undefined : realm - 1,
      behind: (found & BEHIND) !== 0,
    }
  }

  explain(token: string, now: number): Check[] {
    return this.#gate.explain(token, now) as Check[]
  }

  /** Throws `invalid_jwks` when nothing in it can be used; then the keys are as before. */
  setKeys(realm: number, json: Uint8Array, usableUntil: number, source: 'configuration' | 'url'): void {
    as('invalid_jwks', () => this.#gate.setKeys(realm, json, usableUntil, source))
  }

  /** Throws `feed_refused`; then nothing has changed. */
  applyFeed(bytes: Uint8Array, now: number): CoreApplied {
    return as('feed_refused', () => this.#gate.applyFeed(bytes, now) as CoreApplied)
  }

  /** Realm and sequence that bytes claim, before any signature is looked at. Throws `feed_refused`. */
  peekFeed(bytes: Uint8Array): { realm: number; sequence: number } {
    return as('feed_refused', () => this.#gate.peekFeed(bytes) as { realm: number; sequence: number })
  }

  /** The SHA-256 names, in hexadecimal, of the sections to fetch. */
  missingSections(realm: number): string[] {
    return this.#gate.missingSections(realm)
  }

  /** Throws `feed_refused` when the bytes are no section that is missing. */
  provideSection(realm: number, bytes: Uint8Array): 'stored' | 'committed' {
    return as('feed_refused', () => this.#gate.provideSection(realm, bytes) as 'stored' | 'committed')
  }

  state(realm: number): CoreState {
    return this.#gate.state(realm) as CoreState
  }

  /** Gives the memory back. Nothing may be called afterwards. */
  free(): void {
    this.#gate.free()
  }
}

/** Bit 24 of a finding: the token's `rsq` is beyond our sequence. */
const BEHIND = 1 << 24

/** Runs an operation of the core; what it throws has a stable `code`, which becomes our `detail`. */
function as<T>(code: ErrorCode, operation: () => T): T {
  try {
    return operation()
  } catch (cause) {
    const detail = cause instanceof Error && 'code' in cause ? String(cause.code) : 'internal'
    const message = cause instanceof Error ? cause.message : 'the core failed'
    throw new PortcullisError(code, message, { detail, cause })
  }
}
