import { PortcullisError } from '../errors.ts'
import type { GateOptions } from '../types.ts'
import { OpenGate } from './opengate.ts'
import { type Settings, settle } from './settings.ts'

/** Opens a gate at its first use: one, or one for each `env` whose options differ. */
export class Opening<Env> {
  readonly #options: Settings | ((env: Env) => GateOptions)
  readonly #byEnv = new WeakMap<object, OpenGate>()
  #gates: OpenGate[] = []
  #latest: OpenGate | undefined
  /** For which `env` that was: nearly always the one that is asked for next. */
  #latestEnv: Env | undefined
  #closed = false

  /** Throws `invalid_option` for options that do not depend on an `env`. */
  constructor(options: GateOptions | ((env: Env) => GateOptions)) {
    this.#options = typeof options === 'function' ? options : settle(options)
  }

  /** The gate for an `env`; without one, the one opened last. Throws what its options make it throw, and `closed`. */
  open(env?: Env): OpenGate {
    if (this.#closed) throw new PortcullisError('closed', 'the gate was closed')
    const isLatest = env === undefined || env === this.#latestEnv || typeof this.#options !== 'function'
    if (this.#latest !== undefined && isLatest) return this.#latest
    const key = typeof env === 'object' && env !== null ? env : undefined
    const known = key === undefined ? undefined : this.#byEnv.get(key)
    const gate = known ?? this.#find(typeof this.#options === 'function' ? settle(this.#options(env as Env)) : this.#options)
    if (known === undefined && key !== undefined) this.#byEnv.set(key, gate)
    this.#latest = gate
    this.#latestEnv = env
    return gate
  }

  /** Whether nothing can be opened for want of an `env`. */
  needs(env?: Env): boolean {
    return env === undefined && typeof this.#options === 'function' && this.#latest === undefined && !this.#closed
  }

  close(): void {
    this.#closed = true
    for (const gate of this.#gates) gate.close()
    this.#gates = []
    this.#latest = undefined
    this.#latestEnv = undefined
  }

  /** A host may make a new `env` for every request; as long as the options are the same, so is the gate, with its state. */
  #find(settings: Settings): OpenGate {
    const same = this.#gates.find((gate) => isSame(gate.settings, settings))
    if (same !== undefined) return same
    const gate = new OpenGate(settings)
    this.#gates.push(gate)
    return gate
  }
}

function isSame(one: Settings, other: Settings): boolean {
  return one.fetch === other.fetch && one.onReport === other.onReport && JSON.stringify(one) === JSON.stringify(other)
}
