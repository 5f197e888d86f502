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

/** A key that is missing from the issuer's set. */
export interface WithdrawnKey {
  jwk: JWK
  /** Unix milliseconds of the first of the consecutive fetches whose set lacked it. */
  withdrawnAtMs: number
}

/**
 * The origin's own gate. It uses `node:crypto`, if available, for signature algorithms that are faster there. All
 * methods are synchronous; without `node:crypto` the core checks every signature itself. Realms are indices into those
 * of its options.
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
   * Returns in bits 0-7 the reason's index in `REASONS` plus one, or 0 without a reason; in bits 8-23 the realm's index
   * plus one, or 0 without a realm.
   */
  check(token: string, now: number): number {
    return this.#call(() => {
      const code = this.#gate.begin(this.#buffer.write(token), now, this.#host.kind === 'synchronous')
      if ((code & AWAITING_SIGNATURE) === 0) return code
      const { handle, outcome } = this.#ask()
      return this.#gate.finish(handle, outcome, now)
    })
  }

  /** Returns the realm of a token's `iss`, from its form alone; `undefined` if it is not one of these realms. */
  realmOf(token: string): number | undefined {
    const realm = this.#call(() => this.#gate.realmOf(this.#buffer.write(token)))
    return realm < 0 ? undefined : realm
  }

  /** Returns the owner of a token, or why it is not known. */
  identify(token: string, now: number): Identified | Unidentified {
    return orUnidentified(() =>
      this.#call(() => {
        const identified = this.#gate.beginToIdentify(this.#buffer.write(token), now)
        if (identified !== undefined) return identified
        const { handle, outcome } = this.#ask()
        // The handle was just issued, so it is valid.
        return this.#gate.finishToIdentify(handle, outcome, now) as Identified
      }),
    )
  }

  /** Identifies a token that a withdrawn key has signed. */
  identifyWithdrawn(token: string, now: number): WithdrawnToken | Unidentified {
    return orUnidentified(() => this.#call(() => this.#withdrawn.identify(this.#gate, token, now)))
  }

  /** Replaces a realm's keys. Throws if no key of the set is usable; the previous keys then remain. */
  setKeys(realm: number, json: Uint8Array, usableUntil: number, source: 'configuration' | 'url'): void {
    this.#call(() => this.#gate.setKeys(realm, json, usableUntil, source))
  }

  /** Returns the skipped keys of the last set that was read, even if it was refused; without their `kid`. */
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

  /** Returns the sequence of a realm's state; `undefined` if it needs a manifest. */
  sequence(realm: number): number | undefined {
    const sequence = this.#call(() => this.#gate.sequence(realm))
    return sequence < 0 ? undefined : sequence
  }

  /** Returns the digest of the policy on which a realm's gate and origin must agree. */
  policy(realm: number): string {
    return this.#call(() => this.#gate.policy(realm))
  }

  /** Returns the key for a signature request; `undefined` if the core has none. */
  hostKey({ handle }: SignatureHandle): HostKey | undefined {
    const [algorithm, jwk] = this.#gate.hostKey(handle)
    return jwk === undefined ? undefined : { algorithm: algorithm as Algorithm, jwk: JSON.parse(jwk) as JWK }
  }

  /** Frees the memory. No method may be called afterwards. Never throws. */
  free(): void {
    if (!isCurrent(this.#generation)) return
    try {
      guarded(() => {
        this.#withdrawn.free()
        this.#gate.free()
      })
    } catch {
      // The failure has been reported, and the memory is gone with the instance.
    }
  }

  /** Throws `fault` if the call ends in a trap, or an earlier one has. */
  #call<T>(operation: () => T): T {
    if (!isCurrent(this.#generation)) throw lostCore()
    return guarded(operation)
  }

  /** Asks the host to check the signature that the core has just requested. */
  #ask(): { handle: number; outcome: number } {
    const request = this.#buffer.signatureRequest
    const outcome = this.#host.kind === 'synchronous' ? this.#host.verify(this, request) : undefined
    return { handle: request.handle, outcome: outcomeCode(outcome) }
  }
}

/** An unidentified token is a result, not an error; everything else thrown is an error. */
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
