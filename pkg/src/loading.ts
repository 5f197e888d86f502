import { PortcullisError } from './errors.ts'
import { REASONS } from './reasons.ts'

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
  initSync(input: { module: WebAssembly.Module }): { readonly memory: WebAssembly.Memory }
  /** The module's own list of reason codes. */
  reasons(): string[]
}

/** One wasm module: loaded once, and asked for before each use. */
export class Loading {
  readonly #glue: Glue
  readonly #howTo: string
  #loaded: { host: Host; memory: WebAssembly.Memory } | undefined

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
    this.#loaded = { host: { ...host }, memory }
  }

  /** What the runtime allows. Throws `not_loaded`. */
  get host(): Host {
    return this.#mustBeLoaded().host
  }

  /** The module's memory. Throws `not_loaded`. */
  get memory(): WebAssembly.Memory {
    return this.#mustBeLoaded().memory
  }

  #mustBeLoaded(): { host: Host; memory: WebAssembly.Memory } {
    if (this.#loaded !== undefined) return this.#loaded
    throw new PortcullisError('not_loaded', `the wasm module is not loaded: ${this.#howTo}`)
  }
}
