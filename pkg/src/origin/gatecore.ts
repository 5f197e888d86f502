import { type HostCrypto, hostCrypto, type HostKey, type HostOutcome } from '../hostcrypto.ts'
import type { Algorithm, JWK } from '../types.ts'
import { createWasmGate, type GateCoreOptions, host, type Identified, memory, type WasmGate } from './core.ts'

/**
 * The origin's own gate, which leaves to `node:crypto`, where there is one, what that checks faster than the core does. All
 * of it is synchronous: elsewhere the core checks every signature itself. Realms are indices into those of its options.
 */
export class GateCore {
  readonly #gate: WasmGate
  readonly #host: HostCrypto
  readonly #maxTokenBytes: number
  /** Where tokens are written and signatures read; made anew when the memory has grown, for that detaches it. */
  #exchange: Uint8Array<ArrayBuffer> = new Uint8Array()
  #errand: Uint32Array<ArrayBuffer> = new Uint32Array()

  /** Throws `invalid_option`. */
  constructor(options: Omit<GateCoreOptions, 'hostAlgorithms'>, crypto: HostCrypto = hostCrypto('fastest', host())) {
    this.#host = crypto
    this.#maxTokenBytes = options.maxTokenBytes
    this.#gate = createWasmGate({ ...options, hostAlgorithms: crypto.kind === 'synchronous' ? crypto.algorithms : [] })
  }

  /** Bits 0-7: 0, or one more than the reason's place in `REASONS`; bits 8-23: 0, or one more than the realm's index. */
  check(token: string, now: number): number {
    const code = this.#gate.begin(this.#write(token), now, this.#host.kind === 'synchronous')
    if ((code & AT_HOST) === 0) return code
    const { handle, outcome } = this.#ask()
    return this.#gate.finish(handle, outcome, now)
  }

  /** Throws with code `invalid_token`, `unexpected_token_use` or `keys_unavailable`. */
  identify(token: string, now: number): Identified {
    const identified = this.#gate.beginToIdentify(this.#write(token), now)
    if (identified !== undefined) return identified
    const { handle, outcome } = this.#ask()
    // The handle was given just now, so it is good.
    return this.#gate.finishToIdentify(handle, outcome, now) as Identified
  }

  setKeys(realm: number, json: Uint8Array, usableUntil: number, source: 'configuration' | 'url'): void {
    this.#gate.setKeys(realm, json, usableUntil, source)
  }

  applyFeed(bytes: Uint8Array, now: number): void {
    this.#gate.applyFeed(bytes, now)
  }

  /** Where a delta or manifest leads. */
  sequenceOf(bytes: Uint8Array): number {
    return this.#gate.peekFeed(bytes).sequence
  }

  missingSections(realm: number): string[] {
    return this.#gate.missingSections(realm)
  }

  provideSection(realm: number, bytes: Uint8Array): void {
    this.#gate.provideSection(realm, bytes)
  }

  /** Where a realm's state stands; `undefined`: it needs a manifest. */
  sequence(realm: number): number | undefined {
    const sequence = this.#gate.sequence(realm)
    return sequence < 0 ? undefined : sequence
  }

  /** The key that an errand is about; `undefined` when there is none to give. */
  hostKey(handle: number): HostKey | undefined {
    const [algorithm, jwk] = this.#gate.hostKey(handle)
    return jwk === undefined ? undefined : { algorithm: algorithm as Algorithm, jwk: JSON.parse(jwk) as JWK }
  }

  /** Gives the memory back. Nothing may be called afterwards. */
  free(): void {
    this.#gate.free()
  }

  /** Has the host check what the core has just asked for. */
  #ask(): { handle: number; outcome: number } {
    if (this.#exchange.byteLength === 0) this.#look()
    const [handle = 0, keyNumber = 0, inputLength = 0, signatureLength = 0] = this.#errand
    const bytes = this.#exchange.subarray(0, inputLength + signatureLength)
    const found: HostOutcome =
      this.#host.kind === 'synchronous' ? this.#host.verify(this, { handle, keyNumber, bytes, inputLength }) : undefined
    return { handle, outcome: found === undefined ? UNKNOWN : Number(found) }
  }

  /** Writes a token where the core reads it, and answers how many bytes it has; one that is too long gets one too many. */
  #write(token: string): number {
    if (this.#exchange.byteLength === 0) this.#look()
    const { read, written } = encoder.encodeInto(token, this.#exchange)
    return read === token.length ? written : this.#maxTokenBytes + 1
  }

  #look(): void {
    // Not shared: the module is compiled without threads.
    const buffer = memory().buffer as ArrayBuffer
    this.#exchange = new Uint8Array(buffer, this.#gate.exchange, this.#maxTokenBytes + 1)
    this.#errand = new Uint32Array(buffer, this.#gate.errand, 4)
  }
}

const encoder = new TextEncoder()
/** The bit of a finding code that says: nothing is found yet, there is an errand. */
const AT_HOST = 1 << 26
/** The outcome that is neither 0, bad, nor 1, good. */
const UNKNOWN = 2
