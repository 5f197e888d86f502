import { Gate, initSync, reasons } from '../../wasm/edge/core.js'
import { type ErrorCode, PortcullisError } from '../errors.ts'
import { AT_HOST, type Entry, Exchange, outcomeCode } from '../exchange.ts'
import type { Errand, HostKey, HostOutcome } from '../hostcrypto.ts'
import { type Host, Loading } from '../loading.ts'
import type { CorePolicy } from '../policy.ts'
import { REASONS, type Reason } from '../reasons.ts'
import type { Algorithm, Check, JWK } from '../types.ts'

export type { Host, NodeCrypto } from '../loading.ts'

const loading = new Loading(
  { initSync, reasons },
  "import from 'portcullis/edge', or from 'portcullis/edge/load' and first call load(module, { shareFlights }) with the " +
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
  verifiedTokenCacheEntries: number
  verifiedTokenCacheBytes: number
  /** The algorithms that are left to the host where its help is offered. */
  hostAlgorithms: readonly Algorithm[]
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
  /** Whether the signature had been checked before. */
  remembered: boolean
  /** Whether it is refused because neither the core nor the host could check the signature. No fetch can change that. */
  undecided: boolean
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
  sequence: number
  /** `partial`: changed, but the ledger's head lies further on. */
  effect: 'changed' | 'partial' | 'renewed' | 'known' | 'staged'
}

/** The wasm gate with our errors. Realms are indices into `realms` of its options. All of it is synchronous. */
export class Core {
  readonly #gate: Gate
  readonly #exchange: Exchange
  #changes = 0

  /** Throws `not_loaded`, and `invalid_option` for what only the core can tell, such as an unusable feed key. */
  constructor(options: CoreOptions) {
    const memory = loading.memory
    this.#gate = as('invalid_option', () => new Gate(options))
    this.#exchange = new Exchange(memory, this.#gate, options.maxTokenBytes)
  }

  /** How often keys or state may have changed. As long as it is the same, they are. */
  get changes(): number {
    return this.#changes
  }

  /** Judges a token. `undefined`, which only comes with `help`: there is an `errand` for the host. */
  begin(token: string, now: number, help: boolean): Finding | undefined {
    const code = this.#gate.begin(this.#exchange.write(token), now, help)
    return (code & AT_HOST) === 0 ? found(code) : undefined
  }

  /** Judges a token that was remembered. `undefined`: it is not any more, or its key is another; it must be judged from the beginning. */
  recheck({ place, lower, upper }: Entry, now: number): Finding | undefined {
    const code = this.#gate.recheck(place, lower, upper, now)
    return (code & GONE) === 0 ? found(code) : undefined
  }

  /** What the token is known by, right after `begin` has found that it was remembered. */
  get entry(): Entry {
    return this.#exchange.entry
  }

  /** What the host is to check, right after `begin`. */
  get errand(): Errand {
    return this.#exchange.errand
  }

  /** `undefined`: the handle is too old; the token must be judged from the beginning. */
  finish(handle: number, outcome: HostOutcome, now: number): Finding | undefined {
    const code = this.#gate.finish(handle, outcomeCode(outcome), now)
    return (code & GONE) === 0 ? found(code) : undefined
  }

  /** The key that an errand is about; `undefined` when the core has none to give. */
  hostKey(handle: number): HostKey | undefined {
    const [algorithm, jwk] = this.#gate.hostKey(handle)
    return jwk === undefined ? undefined : { algorithm: algorithm as Algorithm, jwk: JSON.parse(jwk) as JWK }
  }

  /** The algorithm of a token that cannot be judged without the host: one that this build has no code for. */
  hostNeeded(token: string, now: number): Algorithm | undefined {
    return this.#gate.hostNeeded(token, now) as Algorithm | undefined
  }

  explain(token: string, now: number): Check[] {
    return this.#gate.explain(token, now) as Check[]
  }

  /** Whether the host must look at a token's signature before it can be explained: then there is an `errand` for it. */
  beginToExplain(token: string, now: number): boolean {
    return this.#gate.beginToExplain(this.#exchange.write(token), now)
  }

  /** `undefined`: the handle is too old. */
  finishToExplain(handle: number, outcome: HostOutcome, now: number): Check[] | undefined {
    return this.#gate.finishToExplain(handle, outcomeCode(outcome), now) as Check[] | undefined
  }

  /** Throws `invalid_jwks` when nothing in it can be used; then the keys are as before. */
  setKeys(realm: number, json: Uint8Array, usableUntil: number, source: 'configuration' | 'url'): void {
    this.#changes += 1
    as('invalid_jwks', () => this.#gate.setKeys(realm, json, usableUntil, source))
  }

  /** Throws `feed_refused`, also for a message of another realm; then nothing has changed. */
  applyFeed(realm: number, bytes: Uint8Array, now: number): CoreApplied {
    this.#changes += 1
    return as('feed_refused', () => this.#gate.applyFeed(realm, bytes, now) as CoreApplied)
  }

  /** Realm and sequence that bytes claim, before any signature is looked at. Throws `feed_refused`. */
  peekFeed(bytes: Uint8Array): { realm: number; sequence: number } {
    return as('feed_refused', () => this.#gate.peekFeed(bytes) as { realm: number; sequence: number })
  }

  /** The SHA-256 names, in hexadecimal, of the sections to fetch. */
  missingSections(realm: number): string[] {
    return this.#gate.missingSections(realm)
  }

  /** Those of them, of whichever realm issued the token, in which the answer about it lies. */
  missingFor(token: string): string[] {
    return this.#gate.missingFor(token)
  }

  /**
   * Throws `feed_refused` when the bytes are no section that is missing. `sha256` is their hash where the host has computed it;
   * the core then does not.
   */
  provideSection(realm: number, bytes: Uint8Array, sha256: Uint8Array | undefined): 'stored' | 'committed' {
    this.#changes += 1
    return as('feed_refused', () => this.#gate.provideSection(realm, bytes, sha256) as 'stored' | 'committed')
  }

  /** The digest of what a realm's gate and origin must agree on. */
  policy(realm: number): string {
    return this.#gate.policy(realm)
  }

  state(realm: number): CoreState {
    return this.#gate.state(realm) as CoreState
  }

  /** Gives the memory back. Nothing may be called afterwards. */
  free(): void {
    this.#gate.free()
  }
}

/** Bits of a finding code: the token's `rsq` is beyond our sequence; the signature was known; no such handle or entry; nobody could check the signature. */
const BEHIND = 1 << 24
const REMEMBERED = 1 << 25
const GONE = 1 << 27
const UNDECIDED = 1 << 28

function found(code: number): Finding {
  const reason = code & 0xff
  const realm = (code >>> 8) & 0xffff
  return {
    reason: reason === 0 ? undefined : REASONS[reason - 1],
    realm: realm === 0 ? undefined : realm - 1,
    behind: (code & BEHIND) !== 0,
    remembered: (code & REMEMBERED) !== 0,
    undecided: (code & UNDECIDED) !== 0,
  }
}

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
