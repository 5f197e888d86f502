import { __wbg_reset_state, Gate, initSync, reasons } from '../../../wasm/edge/core.js'
import { type ErrorCode, PortcullisError } from '../../errors.ts'
import { AT_HOST, type Entry, TokenBuffer, outcomeCode, type Ticket } from '../../core/token-buffer.ts'
import type { SignatureRequest, HostKey, HostOutcome } from '../../core/host-signatures.ts'
import { type Host, Loading } from '../../core/module.ts'
import type { CorePolicy } from '../../policy.ts'
import { REASONS, type Reason } from '../../reasons.ts'
import type { Algorithm, Check, JWK } from '../../types.ts'

export type { Host, NodeCrypto } from '../../core/module.ts'

const loading = new Loading(
  { initSync, __wbg_reset_state, reasons },
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

/** Callbacks to the owner of a core. */
export interface CoreListener {
  /** A call has ended in a trap, and the instance of the module was given up; the next call is made in a new one. Must not throw. */
  onFault(cause: unknown): void
  /** There is a new instance: keys are as before, the state has to be loaded again, and nothing is remembered. Must not throw. */
  onRenewed(): void
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

/** How far a realm's state has come; made and read by the core. */
export type CoreMarks = object

/** A realm's keys as they were handed in. */
interface InstalledKeys {
  json: Uint8Array
  usableUntil: number
  source: 'configuration' | 'url'
}

/**
 * The wasm gate with our errors. Realms are indices into `realms` of its options. All of it is synchronous.
 *
 * A call that ends in a trap, as when memory runs out, leaves the module's instance in no defined state: it is given up, with
 * all that other cores have in it, and each core is made again in a new instance at its next call. What must outlast that is
 * kept here: the realms' keys, and how far their states had come.
 */
export class Core {
  readonly #options: CoreOptions
  readonly #listener: CoreListener
  readonly #keys: (InstalledKeys | undefined)[] = []
  readonly #marks: (CoreMarks | undefined)[] = []
  #generation: number
  #gate: Gate
  #buffer: TokenBuffer
  #changes = 0

  /** Throws `not_loaded`, `fault`, and `invalid_option` for what only the core can tell, such as an unusable feed key. */
  constructor(options: CoreOptions, listener: CoreListener = SILENT) {
    this.#options = options
    this.#listener = listener
    if (!loading.renew()) throw resting()
    this.#generation = loading.generation
    this.#gate = this.#attempt('invalid_option', () => new Gate(options))
    this.#buffer = this.#bufferOf(this.#gate)
  }

  /** How often keys or state may have changed. As long as it is the same, they are. */
  get changes(): number {
    return this.#changes
  }

  /** Judges a token. `undefined`, which only comes with `help`: there is a signature request for the host. */
  begin(token: string, now: number, help: boolean): Finding | undefined {
    if (!this.#isUsable()) return UNAVAILABLE
    try {
      const code = this.#gate.begin(this.#buffer.write(token), now, help)
      return (code & AT_HOST) === 0 ? found(code) : undefined
    } catch (cause) {
      return this.#unavailable(cause)
    }
  }

  /** Judges a token that was remembered. `undefined`: it is not any more, or its key is another; it must be judged from the beginning. */
  recheck({ generation, place, lower, upper }: Entry, now: number): Finding | undefined {
    if (generation !== loading.generation) return undefined
    try {
      const code = this.#gate.recheck(place, lower, upper, now)
      return (code & GONE) === 0 ? found(code) : undefined
    } catch (cause) {
      return this.#unavailable(cause)
    }
  }

  /** What the token is known by, right after `begin` has found that it was remembered. */
  get entry(): Entry {
    return this.#buffer.entry
  }

  /** What the host is to check, right after `begin`. */
  get signatureRequest(): SignatureRequest {
    return this.#buffer.signatureRequest
  }

  /** `undefined`: the handle is too old; the token must be judged from the beginning. */
  finish({ generation, handle }: Ticket, outcome: HostOutcome, now: number): Finding | undefined {
    if (generation !== loading.generation) return undefined
    try {
      const code = this.#gate.finish(handle, outcomeCode(outcome), now)
      return (code & GONE) === 0 ? found(code) : undefined
    } catch (cause) {
      return this.#unavailable(cause)
    }
  }

  /** The key that a request is about; `undefined` when the core has none to give. */
  hostKey({ generation, handle }: Ticket): HostKey | undefined {
    if (generation !== loading.generation) return undefined
    const [algorithm, jwk] = this.#orElse([], () => this.#gate.hostKey(handle))
    return jwk === undefined ? undefined : { algorithm: algorithm as Algorithm, jwk: JSON.parse(jwk) as JWK }
  }

  /** The algorithm of a token that cannot be judged without the host: one that this build has no code for. */
  hostNeeded(token: string, now: number): Algorithm | undefined {
    return this.#orElse(undefined, () => this.#gate.hostNeeded(token, now) as Algorithm | undefined)
  }

  explain(token: string, now: number): Check[] {
    return this.#call('fault', () => this.#gate.explain(token, now) as Check[])
  }

  /** Whether the host must look at a token's signature before it can be explained: then there is a signature request for it. */
  beginToExplain(token: string, now: number): boolean {
    return this.#call('fault', () => this.#gate.beginToExplain(this.#buffer.write(token), now))
  }

  /** `undefined`: the handle is too old. */
  finishToExplain({ generation, handle }: Ticket, outcome: HostOutcome, now: number): Check[] | undefined {
    if (generation !== loading.generation) return undefined
    return this.#attempt('fault', () => this.#gate.finishToExplain(handle, outcomeCode(outcome), now) as Check[] | undefined)
  }

  /** Throws `invalid_jwks` when nothing in it can be used; then the keys are as before. */
  setKeys(realm: number, json: Uint8Array, usableUntil: number, source: 'configuration' | 'url'): void {
    this.#changes += 1
    this.#call('invalid_jwks', () => this.#gate.setKeys(realm, json, usableUntil, source))
    this.#keys[realm] = { json, usableUntil, source }
  }

  /** Throws `feed_refused`, also for a message of another realm; then nothing has changed. */
  applyFeed(realm: number, bytes: Uint8Array, now: number): CoreApplied {
    this.#changes += 1
    return this.#call('feed_refused', () => {
      const applied = this.#gate.applyFeed(realm, bytes, now) as CoreApplied
      this.#marks[realm] = this.#gate.marks(realm) as CoreMarks
      return applied
    })
  }

  /** Realm and sequence that bytes claim, before any signature is looked at. Throws `feed_refused`. */
  peekFeed(bytes: Uint8Array): { realm: number; sequence: number } {
    return this.#call('feed_refused', () => this.#gate.peekFeed(bytes) as { realm: number; sequence: number })
  }

  /** The SHA-256 names, in hexadecimal, of the sections to fetch. */
  missingSections(realm: number): string[] {
    return this.#orElse([], () => this.#gate.missingSections(realm))
  }

  /** Those of them, of whichever realm issued the token, in which the answer about it lies. */
  missingFor(token: string): string[] {
    return this.#orElse([], () => this.#gate.missingFor(token))
  }

  /**
   * Throws `feed_refused` when the bytes are no section that is missing. `sha256` is their hash where the host has computed it;
   * the core then does not.
   */
  provideSection(realm: number, bytes: Uint8Array, sha256: Uint8Array | undefined): 'stored' | 'committed' {
    this.#changes += 1
    return this.#call('feed_refused', () => {
      const provided = this.#gate.provideSection(realm, bytes, sha256) as 'stored' | 'committed'
      if (provided === 'committed') this.#marks[realm] = this.#gate.marks(realm) as CoreMarks
      return provided
    })
  }

  /** The digest of what a realm's gate and origin must agree on; empty while there is no core. */
  policy(realm: number): string {
    return this.#orElse('', () => this.#gate.policy(realm))
  }

  state(realm: number): CoreState {
    return this.#orElse(NOT_LOADED, () => this.#gate.state(realm) as CoreState)
  }

  /** Gives the memory back. Nothing may be called afterwards. */
  free(): void {
    // The memory of a discarded instance is gone already.
    if (this.#generation !== loading.generation) return
    try {
      this.#gate.free()
    } catch {
      loading.discard(this.#generation)
    }
  }

  /** Runs a call in the present instance. What the core throws has a stable `code`, which becomes our `detail`. */
  #call<T>(code: ErrorCode, operation: () => T): T {
    if (!this.#isUsable()) throw resting()
    return this.#attempt(code, operation)
  }

  /** The same for what has an answer without a core, too. */
  #orElse<T>(otherwise: T, operation: () => T): T {
    if (!this.#isUsable()) return otherwise
    try {
      return operation()
    } catch (cause) {
      this.#fail(cause)
      return otherwise
    }
  }

  #attempt<T>(code: ErrorCode, operation: () => T): T {
    try {
      return operation()
    } catch (cause) {
      const detail = cause instanceof Error && 'code' in cause ? cause.code : undefined
      if (typeof detail === 'string') throw new PortcullisError(code, (cause as Error).message, { detail, cause })
      this.#fail(cause)
      throw new PortcullisError('fault', 'the core failed and is being replaced: see the cause of this error', { detail: 'core_failed', cause })
    }
  }

  /** Whether there is a gate in the present instance; one that was lost with an instance is made again. */
  #isUsable(): boolean {
    return this.#generation === loading.generation || this.#renew()
  }

  #renew(): boolean {
    if (!loading.renew()) return false
    const { generation } = loading
    try {
      const gate = new Gate(this.#options)
      for (const [realm, marks] of this.#marks.entries()) if (marks !== undefined) gate.resume(realm, marks)
      for (const [realm, keys] of this.#keys.entries()) {
        if (keys !== undefined) gate.setKeys(realm, keys.json, keys.usableUntil, keys.source)
      }
      this.#buffer = this.#bufferOf(gate)
      this.#gate = gate
      this.#generation = generation
    } catch (cause) {
      loading.discard(generation)
      this.#listener.onFault(cause)
      return false
    }
    this.#changes += 1
    this.#listener.onRenewed()
    return true
  }

  #bufferOf(gate: Gate): TokenBuffer {
    return new TokenBuffer(loading.memory, gate, this.#options.maxTokenBytes, loading.generation)
  }

  /** The finding for a token during whose check the core failed. It is not retried. */
  #unavailable(cause: unknown): Finding {
    this.#fail(cause)
    return UNAVAILABLE
  }

  #fail(cause: unknown): void {
    this.#changes += 1
    loading.discard(this.#generation)
    this.#listener.onFault(cause)
  }
}

const SILENT: CoreListener = { onFault: () => undefined, onRenewed: () => undefined }

/** The finding while no core is usable. It names no realm, so nothing is fetched for it. */
export const UNAVAILABLE: Finding = Object.freeze({ reason: 'no_feed', realm: undefined, behind: false, remembered: false, undecided: false })
const NOT_LOADED: CoreState = Object.freeze({
  loaded: false, sequence: 0, chain: '', issuedAt: 0, notAfter: 0, wantsManifest: false, hasKeys: false, tokenIds: 0, epochs: 0,
  sectionBytes: 0, liveEntries: 0, errorRate: 0,
})

function resting(): PortcullisError {
  return new PortcullisError('fault', 'the core has failed too often; a new one is made in some seconds', { detail: 'core_resting' })
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
