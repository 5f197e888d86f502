import { AWAITING_SIGNATURE, TokenBuffer, outcomeCode, type SignatureHandle } from '../../core/token-buffer.ts'
import { type HostCrypto, hostCrypto, type HostKey } from '../../core/host-signatures.ts'
import type { Algorithm, JWK, SkippedKey } from '../../types.ts'
import {
  createWasmGate,
  createWithdrawnKeys,
  type GateCoreOptions,
  type Identified,
  type Unidentified,
  type WasmGate,
  type WasmWithdrawnKeys,
  type WithdrawnToken,
} from './wasm-gate.ts'
import { coreGeneration, guarded, host, isCurrent, lostCore, memory } from './module.ts'

/** A key that the issuer's set is without. */
export interface WithdrawnKey {
  jwk: JWK
  /** Unix milliseconds: the first of the fetches in a row that found the set without it. */
  withdrawnAtMs: number
}

/**
 * The origin's own gate. It leaves signatures to `node:crypto`, where there is one, for algorithms that are faster
 * there. All of it is synchronous: elsewhere the core checks every signature itself. Realms are indices into those of
 * its options.
 */
export class GateCore {
  readonly #gate: WasmGate
  readonly #withdrawn: WasmWithdrawnKeys
  readonly #host: HostCrypto
  readonly #buffer: TokenBuffer
  readonly #generation: number

  /** Throws `invalid_option` and `fault`. */
  constructor(options: Omit<GateCoreOptions, 'hostAlgorithms'>, crypto: HostCrypto = hostCrypto('fastest', host())) {
    this.#host = crypto
    this.#gate = createWasmGate({ ...options, hostAlgorithms: crypto.kind === 'synchronous' ? crypto.algorithms : [] })
    this.#withdrawn = createWithdrawnKeys(options.realms.length)
    this.#generation = coreGeneration()
    this.#buffer = new TokenBuffer(memory(), this.#gate, options.maxTokenBytes, this.#generation)
  }

  /**
   * Bits 0-7: 0, or one more than the reason's place in `REASONS`; bits 8-23: 0, or one more than the realm's index.
   */
  check(token: string, now: number): number {
    return this.#call(() => {
      const code = this.#gate.begin(this.#buffer.write(token), now, this.#host.kind === 'synchronous')
      if ((code & AWAITING_SIGNATURE) === 0) return code
      const { handle, outcome } = this.#ask()
      return this.#gate.finish(handle, outcome, now)
    })
  }

  /** The realm of a token's `iss`, by that and its form alone; `undefined`: none of these. */
  realmOf(token: string): number | undefined {
    const realm = this.#call(() => this.#gate.realmOf(this.#buffer.write(token)))
    return realm < 0 ? undefined : realm
  }

  /** Whose token it is, or why that is not known. */
  identify(token: string, now: number): Identified | Unidentified {
    return orUnidentified(() =>
      this.#call(() => {
        const identified = this.#gate.beginToIdentify(this.#buffer.write(token), now)
        if (identified !== undefined) return identified
        const { handle, outcome } = this.#ask()
        // The handle was given just now, so it is good.
        return this.#gate.finishToIdentify(handle, outcome, now) as Identified
      }),
    )
  }

  /** Which token this is, where a withdrawn key has signed it. */
  identifyWithdrawn(token: string, now: number): WithdrawnToken | Unidentified {
    return orUnidentified(() => this.#call(() => this.#withdrawn.identify(this.#gate, token, now)))
  }

  /** Replaces a realm's keys. Throws when none of the set can be used; then they are as before. */
  setKeys(realm: number, json: Uint8Array, usableUntil: number, source: 'configuration' | 'url'): void {
    this.#call(() => this.#gate.setKeys(realm, json, usableUntil, source))
  }

  /** Returns the skipped keys of the set that was read last, also of a refused set; without their `kid`. */
  skippedKeys(realm: number): readonly SkippedKey[] {
    return this.#call(() => this.#gate.skippedKeys(realm))
  }

  /** Replaces a realm's withdrawn keys. */
  setWithdrawnKeys(realm: number, keys: readonly WithdrawnKey[]): void {
    this.#call(() => {
      this.#withdrawn.clear(realm)
      for (const { jwk, withdrawnAtMs } of keys) {
        const set = new TextEncoder().encode(JSON.stringify({ keys: [jwk] }))
        this.#withdrawn.add(this.#gate, realm, set, Math.floor(withdrawnAtMs / 1000))
      }
    })
  }

  applyFeed(realm: number, bytes: Uint8Array, now: number): void {
    this.#call(() => this.#gate.applyFeed(realm, bytes, now))
  }

  missingSections(realm: number): string[] {
    return this.#call(() => this.#gate.missingSections(realm))
  }

  provideSection(realm: number, bytes: Uint8Array): void {
    this.#call(() => this.#gate.provideSection(realm, bytes))
  }

  /** Where a realm's state stands; `undefined`: it needs a manifest. */
  sequence(realm: number): number | undefined {
    const sequence = this.#call(() => this.#gate.sequence(realm))
    return sequence < 0 ? undefined : sequence
  }

  /** The digest of the policy that a realm's gate and origin must agree on. */
  policy(realm: number): string {
    return this.#call(() => this.#gate.policy(realm))
  }

  /** The key that a request is about; `undefined` when the core has none to give. */
  hostKey({ handle }: SignatureHandle): HostKey | undefined {
    const [algorithm, jwk] = this.#gate.hostKey(handle)
    return jwk === undefined ? undefined : { algorithm: algorithm as Algorithm, jwk: JSON.parse(jwk) as JWK }
  }

  /** Gives the memory back. Nothing may be called afterwards. Never throws. */
  free(): void {
    if (!isCurrent(this.#generation)) return
    try {
      guarded(() => {
        this.#withdrawn.free()
        this.#gate.free()
      })
    } catch {
      // It has been reported, and the memory is gone with the instance.
    }
  }

  /** Throws `fault` when the call ends in a trap, or an earlier one has. */
  #call<T>(operation: () => T): T {
    if (!isCurrent(this.#generation)) throw lostCore()
    return guarded(operation)
  }

  /** Has the host check the signature that the core has just requested. */
  #ask(): { handle: number; outcome: number } {
    const request = this.#buffer.signatureRequest
    const outcome = this.#host.kind === 'synchronous' ? this.#host.verify(this, request) : undefined
    return { handle: request.handle, outcome: outcomeCode(outcome) }
  }
}

/** A token that is not identified is an outcome, and no error; all else that is thrown is one. */
function orUnidentified<T>(identify: () => T): T | Unidentified {
  try {
    return identify()
  } catch (cause) {
    const { code, reason, realm } = cause as Unidentified
    switch (code) {
      case 'invalid_token':
      case 'unexpected_token_use':
      case 'keys_unavailable':
        return { code, reason, ...(realm === undefined ? {} : { realm }) }
      default:
        throw cause
    }
  }
}
