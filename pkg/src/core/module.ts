import { PortcullisError } from '../errors.ts'
import { REASONS } from '../reasons.ts'

/** What the runtime allows. */
export interface Host {
  /** Whether one request may await I/O that another began. False in workerd. */
  shareFlights: boolean
  /** `node:crypto`, where there is one: it hashes and checks signatures without a promise. */
  nodeCrypto?: NodeCrypto
  /**
   * When WebCrypto reads the bytes that it is given: `at_once`, before `verify` returns, as the standard has it (W3C Web
   * Cryptography API §14.3.4, "get a copy of the bytes"), so that none need be copied for it; or perhaps `later` (default).
   */
  webCryptoReads?: 'at_once' | 'later'
  /** Who checks signatures by EdDSA in less time: the core, by the tables that all modules but the slim one make, or the `host` (default). */
  fasterEd25519?: 'core' | 'host'
}

/** The parts of `node:crypto` that are used here. */
export interface NodeCrypto {
  createPublicKey(input: { key: Record<string, unknown>; format: 'jwk' }): unknown
  verify(digest: string | null, data: Uint8Array, key: never, signature: Uint8Array): boolean
  /** Without it the sections of a feed are hashed by WebCrypto, or by the core. */
  createHash?(algorithm: 'sha256'): { update(data: Uint8Array): { digest(): Uint8Array } }
}

/** The generated code of one wasm module, as far as loading it goes. */
export interface Glue {
  /** Returns the exports of the present instance; the first call makes it. */
  initSync(input: { module: WebAssembly.Module }): { readonly memory: WebAssembly.Memory }
  /** Replaces the instance by a new one of the same module. Objects of the old one throw when they are used. */
  __wbg_reset_state(): void
  /** The module's own list of reason codes. */
  reasons(): string[]
}

/** How many instances may be discarded within `DISCARD_WINDOW_MS` before the next one has to wait. */
const MAX_DISCARDS = 3
const DISCARD_WINDOW_MS = 60_000
/** How long it has to wait then: whatever traps again and again must not cost a compilation and a feed load each time. */
const REST_MS = 10_000

/** One wasm module: loaded once, and used through one instance at a time. */
export class Loading {
  readonly #glue: Glue
  readonly #howTo: string
  #loaded: { host: Host; module: WebAssembly.Module; memory: WebAssembly.Memory } | undefined
  #generation = 0
  #state: 'usable' | 'discarded' = 'usable'
  #discardedAtMs: number[] = []
  #restsSinceMs = -Infinity

  /** `howTo` names the fix where the module was not loaded. */
  constructor(glue: Glue, howTo: string) {
    this.#glue = glue
    this.#howTo = howTo
  }

  /** Makes the module ready; later calls change nothing. Throws `not_loaded` for a module of another version. */
  load(module: WebAssembly.Module, host: Host): void {
    if (this.#loaded !== undefined) return
    const { memory } = this.#glue.initSync({ module })
    const known = this.#glue.reasons()
    if (known.length !== REASONS.length || REASONS.some((reason, index) => reason !== known[index])) {
      throw new PortcullisError(
        'not_loaded',
        'the wasm module is of another version of portcullis than the code that loads it: install one version of both',
      )
    }
    this.#loaded = { host: { ...host }, module, memory }
  }

  /** What the runtime allows. Throws `not_loaded`. */
  get host(): Host {
    return this.#mustBeLoaded().host
  }

  /** The memory of the present instance. Throws `not_loaded`. */
  get memory(): WebAssembly.Memory {
    return this.#mustBeLoaded().memory
  }

  /** Counts the instances: what was made in an earlier generation must not be used any more. */
  get generation(): number {
    return this.#generation
  }

  /**
   * Gives up the instance of `generation`, in which a call has ended in a trap: what a trap leaves behind in memory is in no
   * defined state. Does nothing if that instance has been given up before.
   */
  discard(generation: number): void {
    if (generation !== this.#generation) return
    this.#generation += 1
    this.#state = 'discarded'
    const now = Date.now()
    this.#discardedAtMs = [...this.#discardedAtMs.filter((at) => Math.abs(now - at) < DISCARD_WINDOW_MS), now]
    if (this.#discardedAtMs.length > MAX_DISCARDS) this.#restsSinceMs = now
  }

  /**
   * Whether there is an instance to use; one that was discarded is replaced first. False while that was done too often, and when
   * the new instance cannot be made. Throws `not_loaded`.
   */
  renew(): boolean {
    const loaded = this.#mustBeLoaded()
    if (this.#state === 'usable') return true
    if (Math.abs(Date.now() - this.#restsSinceMs) < REST_MS) return false
    try {
      this.#glue.__wbg_reset_state()
      loaded.memory = this.#glue.initSync({ module: loaded.module }).memory
    } catch {
      this.#restsSinceMs = Date.now()
      return false
    }
    this.#state = 'usable'
    return true
  }

  #mustBeLoaded(): { host: Host; module: WebAssembly.Module; memory: WebAssembly.Memory } {
    if (this.#loaded !== undefined) return this.#loaded
    throw new PortcullisError('not_loaded', `the wasm module is not loaded: ${this.#howTo}`)
  }
}
