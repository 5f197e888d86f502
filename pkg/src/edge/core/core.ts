import { Gate } from '../../../wasm/edge/core.js'
import type { HostKey, HostOutcome, SignatureRequest } from '../../core/host-signatures.ts'
import {
  AWAITING_SIGNATURE,
  type CachedTokenId,
  outcomeCode,
  type SignatureHandle,
  TokenBuffer,
} from '../../core/token-buffer.ts'
import { type ErrorCode, PortcullisError } from '../../errors.ts'
import type { Algorithm, Check, JWK, SkippedKey } from '../../types.ts'
import type { CoreListener, CoreMarks, CoreOptions, CoreRealm } from './core-options.ts'
import { decodeFinding, type Finding, GONE, UNAVAILABLE } from './finding.ts'
import { wasmModule } from './module.ts'
import { type Applied, type CoreState, NOT_LOADED } from './state.ts'

/** A realm's keys as they were set. */
interface InstalledKeys {
  json: Uint8Array
  usableUntil: number
  source: 'configuration' | 'url'
}

/**
 * Wraps the wasm gate and converts its errors. Realms are indices into `realms` of the options, or are returned by
 * `addRealm`. All methods are synchronous.
 *
 * A trap, for example out of memory, leaves the module's instance in an undefined state. The instance is discarded
 * together with everything that other cores have in it, and each core is rebuilt in a new instance at its next call.
 * This class keeps what must survive: the realms' keys and the positions of their states.
 */
export class Core {
  readonly #options: CoreOptions
  readonly #listener: CoreListener
  /** By index; `undefined` for a free index. */
  readonly #realms: (CoreRealm | undefined)[]
  readonly #keys: (InstalledKeys | undefined)[] = []
  readonly #marks: (CoreMarks | undefined)[] = []
  #generation: number
  #gate: Gate
  #buffer: TokenBuffer
  #changes = 0

  /**
   * Throws `not_loaded`, `fault`, and `invalid_option` for options that only the core validates, such as an invalid
   * feed key.
   */
  constructor(options: CoreOptions, listener: CoreListener = NO_LISTENER) {
    this.#options = options
    this.#realms = [...options.realms]
    this.#listener = listener
    if (!wasmModule.renew()) throw coolingDown()
    this.#generation = wasmModule.generation
    this.#gate = this.#attempt('invalid_option', () => new Gate(options))
    this.#buffer = this.#bufferOf(this.#gate)
  }

  /**
   * Adds a realm and returns its index, which may be that of a removed realm. `marks`: the position of an earlier realm
   * of this issuer. Throws `fault` and, like the constructor, `invalid_option`.
   */
  addRealm(realm: CoreRealm, marks?: CoreMarks): number {
    this.#changes += 1
    return this.#call('invalid_option', () => {
      const free = this.#realms.indexOf(undefined)
      const index = free < 0 ? this.#realms.length : free
      this.#gate.putRealm(index, this.#options, realm)
      this.#realms[index] = realm
      this.#keys[index] = undefined
      this.#marks[index] = marks
      if (marks !== undefined) this.#gate.resume(index, marks)
      return index
    })
  }

  /**
   * Removes a realm with its keys, its state, its verified tokens and those at the host. Returns its latest position,
   * or `undefined` if no state was ever loaded. The caller must not use the index again until `addRealm` returns it.
   */
  removeRealm(index: number): CoreMarks | undefined {
    this.#changes += 1
    const marks = this.#marks[index]
    this.#realms[index] = this.#keys[index] = this.#marks[index] = undefined
    // A core that has failed is rebuilt without the realm.
    this.#orElse(undefined, () => this.#gate.removeRealm(index))
    return marks
  }

  /** Counts possible changes of keys and state. While the count is unchanged, so are they. */
  get changes(): number {
    return this.#changes
  }

  /** Inspects a token. Returns `undefined`, only with `mayAskHost`, if a signature request is pending for the host. */
  begin(token: string, now: number, mayAskHost: boolean): Finding | undefined {
    if (!this.#isUsable()) return UNAVAILABLE
    try {
      const code = this.#gate.begin(this.#buffer.write(token), now, mayAskHost)
      return (code & AWAITING_SIGNATURE) === 0 ? decodeFinding(code) : undefined
    } catch (cause) {
      return this.#unavailable(cause)
    }
  }

  /**
   * Inspects a cached token again. Returns `undefined` if it is no longer cached or its key has changed; then `begin`
   * must inspect it.
   */
  recheck({ generation, place, lower, upper }: CachedTokenId, now: number): Finding | undefined {
    if (generation !== wasmModule.generation) return undefined
    try {
      const code = this.#gate.recheck(place, lower, upper, now)
      return (code & GONE) === 0 ? decodeFinding(code) : undefined
    } catch (cause) {
      return this.#unavailable(cause)
    }
  }

  /** The token's id in the cache; valid right after `begin` has returned it as `remembered`. */
  get cachedTokenId(): CachedTokenId {
    return this.#buffer.cachedTokenId
  }

  /** The signature for the host to verify; valid right after `begin`. */
  get signatureRequest(): SignatureRequest {
    return this.#buffer.signatureRequest
  }

  /**
   * Inspects a token after the host has verified its signature. Returns `undefined` if the handle has expired; then
   * `begin` must inspect it.
   */
  finish({ generation, handle }: SignatureHandle, outcome: HostOutcome, now: number): Finding | undefined {
    if (generation !== wasmModule.generation) return undefined
    try {
      const code = this.#gate.finish(handle, outcomeCode(outcome), now)
      return (code & GONE) === 0 ? decodeFinding(code) : undefined
    } catch (cause) {
      return this.#unavailable(cause)
    }
  }

  /** Returns the key of a signature request; `undefined` if it cannot be exported. */
  hostKey({ generation, handle }: SignatureHandle): HostKey | undefined {
    if (generation !== wasmModule.generation) return undefined
    const [algorithm, jwk] = this.#orElse([], () => this.#gate.hostKey(handle))
    return jwk === undefined ? undefined : { algorithm: algorithm as Algorithm, jwk: JSON.parse(jwk) as JWK }
  }

  /**
   * Returns the algorithm of a token that only the host can verify, because this build has no code for it; else
   * `undefined`.
   */
  hostNeeded(token: string, now: number): Algorithm | undefined {
    return this.#orElse(undefined, () => this.#gate.hostNeeded(token, now) as Algorithm | undefined)
  }

  explain(token: string, now: number): Check[] {
    return this.#call('fault', () => this.#gate.explain(token, now) as Check[])
  }

  /** Returns whether explaining a token needs the host: then a signature request is pending. */
  beginToExplain(token: string, now: number): boolean {
    return this.#call('fault', () => this.#gate.beginToExplain(this.#buffer.write(token), now))
  }

  /** Explains a token after the host has verified its signature. Returns `undefined` if the handle has expired. */
  finishToExplain({ generation, handle }: SignatureHandle, outcome: HostOutcome, now: number): Check[] | undefined {
    if (generation !== wasmModule.generation) return undefined
    return this.#attempt(
      'fault',
      () => this.#gate.finishToExplain(handle, outcomeCode(outcome), now) as Check[] | undefined,
    )
  }

  /** Sets a realm's keys. Throws `invalid_jwks` for a set without a usable key; then the keys are unchanged. */
  setKeys(realm: number, json: Uint8Array, usableUntil: number, source: 'configuration' | 'url'): void {
    this.#changes += 1
    this.#call('invalid_jwks', () => this.#gate.setKeys(realm, json, usableUntil, source))
    this.#keys[realm] = { json, usableUntil, source }
  }

  /**
   * Returns the skipped keys of the last set read, from the caller or the feed and even if the set was refused; without
   * their `kid`.
   */
  skippedKeys(realm: number): readonly SkippedKey[] {
    return this.#orElse([], () => this.#gate.skippedKeys(realm) as SkippedKey[])
  }

  /**
   * Applies a manifest or delta. Throws `feed_refused`, also for a message of another realm; then nothing has changed.
   */
  applyFeed(realm: number, bytes: Uint8Array, now: number): Applied {
    this.#changes += 1
    return this.#call('feed_refused', () => {
      const applied = this.#gate.applyFeed(realm, bytes, now) as Applied
      this.#marks[realm] = this.#gate.marks(realm) as CoreMarks
      return applied
    })
  }

  /** Returns the realm and sequence that a message claims, without verifying its signature. Throws `feed_refused`. */
  peekFeed(bytes: Uint8Array): { realm: number; sequence: number } {
    return this.#call('feed_refused', () => this.#gate.peekFeed(bytes) as { realm: number; sequence: number })
  }

  /** Returns the SHA-256 names, in hexadecimal, of the sections to fetch. */
  missingSections(realm: number): string[] {
    return this.#orElse([], () => this.#gate.missingSections(realm))
  }

  /** Returns the missing sections on which the token's verdict depends. */
  missingFor(token: string): string[] {
    return this.#orElse([], () => this.#gate.missingFor(token))
  }

  /**
   * Provides a missing section. Throws `feed_refused` if the bytes are not one. `sha256`: their hash if the host has
   * computed it; else the core computes it.
   */
  provideSection(realm: number, bytes: Uint8Array, sha256: Uint8Array | undefined): 'stored' | 'committed' {
    this.#changes += 1
    return this.#call('feed_refused', () => {
      const provided = this.#gate.provideSection(realm, bytes, sha256) as 'stored' | 'committed'
      if (provided === 'committed') this.#marks[realm] = this.#gate.marks(realm) as CoreMarks
      return provided
    })
  }

  /** Returns a digest of the options that a realm's gate and origin must share; empty while no core is usable. */
  policy(realm: number): string {
    return this.#orElse('', () => this.#gate.policy(realm))
  }

  state(realm: number): CoreState {
    return this.#orElse(NOT_LOADED, () => {
      const state = this.#gate.state(realm) as CoreState
      state.policyDifferences = state.policy === 'differs' ? this.#gate.differencesFromOrigin(realm) : []
      return state
    })
  }

  /** Frees the memory. No method may be called afterwards. */
  free(): void {
    // The memory of a discarded instance is already free.
    if (this.#generation !== wasmModule.generation) return
    try {
      this.#gate.free()
    } catch {
      wasmModule.discard(this.#generation)
    }
  }

  /** Runs a call in the current instance. The core's errors have a stable `code`, which becomes our `detail`. */
  #call<T>(code: ErrorCode, operation: () => T): T {
    if (!this.#isUsable()) throw coolingDown()
    return this.#attempt(code, operation)
  }

  /** Runs a call in the current instance, and returns `otherwise` if there is no core or the call fails. */
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
      throw new PortcullisError('fault', 'the core failed and is rebuilt: see the cause', {
        detail: 'core_failed',
        cause,
      })
    }
  }

  /** Returns whether the current instance has this gate; rebuilds a gate lost with its instance. */
  #isUsable(): boolean {
    return this.#generation === wasmModule.generation || this.#renew()
  }

  #renew(): boolean {
    if (!wasmModule.renew()) return false
    const { generation } = wasmModule
    try {
      const gate = new Gate({ ...this.#options, realms: [] })
      for (const [index, realm] of this.#realms.entries())
        if (realm !== undefined) gate.putRealm(index, this.#options, realm)
      for (const [realm, marks] of this.#marks.entries()) if (marks !== undefined) gate.resume(realm, marks)
      for (const [realm, keys] of this.#keys.entries()) {
        if (keys !== undefined) gate.setKeys(realm, keys.json, keys.usableUntil, keys.source)
      }
      this.#buffer = this.#bufferOf(gate)
      this.#gate = gate
      this.#generation = generation
    } catch (cause) {
      wasmModule.discard(generation)
      this.#listener.onFault(cause)
      return false
    }
    this.#changes += 1
    this.#listener.onRenewed()
    return true
  }

  #bufferOf(gate: Gate): TokenBuffer {
    return new TokenBuffer(wasmModule.memory, gate, this.#options.maxTokenBytes, wasmModule.generation)
  }

  /** Returns the finding for a token whose inspection made the core fail. It is not retried. */
  #unavailable(cause: unknown): Finding {
    this.#fail(cause)
    return UNAVAILABLE
  }

  #fail(cause: unknown): void {
    this.#changes += 1
    wasmModule.discard(this.#generation)
    this.#listener.onFault(cause)
  }
}

const NO_LISTENER: CoreListener = { onFault: () => undefined, onRenewed: () => undefined }

function coolingDown(): PortcullisError {
  return new PortcullisError('fault', 'the core has failed too often; it is rebuilt in a few seconds', {
    detail: 'core_resting',
  })
}
