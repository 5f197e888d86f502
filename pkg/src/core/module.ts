import { PortcullisError } from '../errors.ts'
import { REASONS } from '../reasons.ts'

/** The properties of the JavaScript runtime that the package depends on. */
export interface Runtime {
  /** Whether a request may await I/O that another one started. False in workerd. */
  shareFlights: boolean
  /** `node:crypto`, if available: it hashes and verifies signatures synchronously. */
  nodeCrypto?: NodeCrypto
  /**
   * When WebCrypto reads the bytes passed to it. `at_once`: before `verify` returns, as the standard requires (W3C Web
   * Cryptography API §14.3.4, "get a copy of the bytes"), so no copy is made for it. `later` (default): possibly after
   * that.
   */
  webCryptoReads?: 'at_once' | 'later'
  /**
   * The side that verifies EdDSA faster: the `core`, by tables that all modules but the slim one make, or the `host`
   * (default).
   */
  fasterEd25519?: 'core' | 'host'
}

/** The members of `node:crypto` used here. */
export interface NodeCrypto {
  createPublicKey(input: { key: Record<string, unknown>; format: 'jwk' }): unknown
  verify(digest: string | null, data: Uint8Array, key: never, signature: Uint8Array): boolean
  /** If missing, the sections of a feed are hashed by WebCrypto or by the core. */
  createHash?(algorithm: 'sha256'): { update(data: Uint8Array): { digest(): Uint8Array } }
}

/** The parts of a wasm module's generated code that are needed to load it. */
interface Glue {
  /** Returns the exports of the current instance; the first call creates it. */
  initSync(input: { module: WebAssembly.Module }): { readonly memory: WebAssembly.Memory }
  /** Replaces the instance by a new one of the same module. Objects of the old instance throw when used. */
  __wbg_reset_state(): void
  /** Returns the module's own list of reason codes. */
  reasons(): string[]
}

/** Provides a module, synchronously or as a promise. Called at first use, and again after a failure. */
export type ModuleSource = () => WebAssembly.Module | Promise<WebAssembly.Module>

/** Number of instances that may be discarded within `DISCARD_WINDOW_MS` before the next one is delayed. */
const MAX_DISCARDS = 3
const DISCARD_WINDOW_MS = 60_000
/** The delay: repeated traps must not cost a new instance and a feed load each time. */
const COOL_DOWN_MS = 10_000

/** One wasm module, loaded once at its first use. One instance of it is in use at a time. */
export class WasmModule {
  readonly #glue: Glue
  readonly #howTo: string
  #source: { compile: ModuleSource; runtime: Runtime } | undefined
  #loading: Promise<void> | undefined
  #loaded: { runtime: Runtime; module: WebAssembly.Module; memory: WebAssembly.Memory } | undefined
  #generation = 0
  #state: 'usable' | 'discarded' = 'usable'
  #discardedAtMs: number[] = []
  #coolsDownSinceMs = -Infinity

  /** `howTo`: the remedy, for the error message if it is used before loading. */
  constructor(glue: Glue, howTo: string) {
    this.#glue = glue
    this.#howTo = howTo
  }

  /** Loads the module; later calls have no effect. Throws `not_loaded` for a module of another version. */
  load(module: WebAssembly.Module, runtime: Runtime): void {
    if (this.#loaded !== undefined) return
    const { memory } = this.#glue.initSync({ module })
    const known = this.#glue.reasons()
    if (known.length !== REASONS.length || REASONS.some((reason, index) => reason !== known[index])) {
      throw new PortcullisError(
        'not_loaded',
        'the wasm module and its JavaScript are of different portcullis versions: install one version of both',
      )
    }
    this.#loaded = { runtime: { ...runtime }, module, memory }
  }

  /**
   * Sets the source from which the first use loads the module. Compiling takes 5 ms, which an import without a use
   * saves.
   */
  loadFrom(compile: ModuleSource, runtime: Runtime): void {
    this.#source ??= { compile, runtime }
  }

  /**
   * Starts loading from the source. Returns `undefined` if there is nothing to wait for. The promise rejects with
   * `not_loaded`.
   */
  start(): Promise<void> | undefined {
    if (this.#loaded !== undefined || this.#source === undefined) return undefined
    if (this.#loading !== undefined) return this.#loading
    const { compile, runtime } = this.#source
    const compiled = attempt(compile)
    if (!(compiled instanceof Promise)) {
      this.load(compiled, runtime)
      return undefined
    }
    this.#loading = this.#loadLater(compiled, runtime)
    // The calls that need the module report a failure.
    this.#loading.catch(() => undefined)
    return this.#loading
  }

  async #loadLater(compiled: Promise<WebAssembly.Module>, runtime: Runtime): Promise<void> {
    try {
      this.load(await compiled, runtime)
    } catch (cause) {
      throw notCompiled(cause)
    } finally {
      this.#loading = undefined
    }
  }

  /** The runtime passed to `load`. Throws `not_loaded`. */
  get runtime(): Runtime {
    return this.#mustBeLoaded().runtime
  }

  /** The memory of the current instance. Throws `not_loaded`. */
  get memory(): WebAssembly.Memory {
    return this.#mustBeLoaded().memory
  }

  /** The number of the current instance. Objects of an earlier generation must not be used any more. */
  get generation(): number {
    return this.#generation
  }

  /**
   * Discards the instance of `generation`, in which a call has trapped, because a trap leaves its memory in an
   * undefined state. Has no effect if that instance was already discarded.
   */
  discard(generation: number): void {
    if (generation !== this.#generation) return
    this.#generation += 1
    this.#state = 'discarded'
    const now = Date.now()
    this.#discardedAtMs = [...this.#discardedAtMs.filter((at) => Math.abs(now - at) < DISCARD_WINDOW_MS), now]
    if (this.#discardedAtMs.length > MAX_DISCARDS) this.#coolsDownSinceMs = now
  }

  /**
   * Returns whether there is a usable instance; replaces a discarded one first. False after too many discards, and if
   * the new instance cannot be created. Throws `not_loaded`.
   */
  renew(): boolean {
    const loaded = this.#mustBeLoaded()
    if (this.#state === 'usable') return true
    if (Math.abs(Date.now() - this.#coolsDownSinceMs) < COOL_DOWN_MS) return false
    try {
      this.#glue.__wbg_reset_state()
      loaded.memory = this.#glue.initSync({ module: loaded.module }).memory
    } catch {
      this.#coolsDownSinceMs = Date.now()
      return false
    }
    this.#state = 'usable'
    return true
  }

  #mustBeLoaded(): { runtime: Runtime; module: WebAssembly.Module; memory: WebAssembly.Memory } {
    if (this.#loaded !== undefined) return this.#loaded
    const loading = this.start()
    // A synchronous source has compiled it now.
    if (this.#loaded !== undefined) return this.#loaded
    const message = loading === undefined ? `the wasm module is not loaded: ${this.#howTo}` : STILL_LOADING
    throw new PortcullisError('not_loaded', message)
  }
}

const STILL_LOADING = 'the wasm module is still loading: first await a call that returns a promise, such as check'

function attempt(compile: ModuleSource): WebAssembly.Module | Promise<WebAssembly.Module> {
  try {
    return compile()
  } catch (cause) {
    throw notCompiled(cause)
  }
}

function notCompiled(cause: unknown): PortcullisError {
  if (cause instanceof PortcullisError) return cause
  const reason = cause instanceof Error ? cause.message : 'unknown cause'
  return new PortcullisError('not_loaded', `the wasm module could not be compiled: ${reason}`, { cause })
}
