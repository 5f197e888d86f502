import { PortcullisError } from './errors.ts'
import { REASONS } from './reasons.ts'

/** What the runtime allows. */
export interface Host {
  /** Whether one request may await I/O that another began. False in workerd. */
  shareFlights: boolean
}

/** The generated code of one wasm module, as far as loading it goes. */
export interface Glue {
  initSync(input: { module: WebAssembly.Module }): unknown
  /** The module's own list of reason codes. */
  reasons(): string[]
}

/** One wasm module: loaded once, and asked for before each use. */
export class Loading {
  readonly #glue: Glue
  readonly #howTo: string
  #host: Host | undefined

  /** `howTo` names the fix where the module was not loaded. */
  constructor(glue: Glue, howTo: string) {
    this.#glue = glue
    this.#howTo = howTo
  }

  /** Makes the module ready; later calls change nothing. Throws `not_loaded` for a module of another version. */
  load(module: WebAssembly.Module, { shareFlights }: Host): void {
    if (this.#host !== undefined) return
    this.#glue.initSync({ module })
    const known = this.#glue.reasons()
    if (known.length !== REASONS.length || REASONS.some((reason, index) => reason !== known[index])) {
      throw new PortcullisError(
        'not_loaded',
        'the wasm module is of another version of portcullis than the code that loads it: install one version of both',
      )
    }
    this.#host = { shareFlights }
  }

  /** What the runtime allows. Throws `not_loaded`. */
  get host(): Host {
    if (this.#host !== undefined) return this.#host
    throw new PortcullisError('not_loaded', `the wasm module is not loaded: ${this.#howTo}`)
  }
}
