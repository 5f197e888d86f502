import { PortcullisError } from '../errors.ts'
import type { AnyGateOptions, RealmResolver } from '../types.ts'
import { startLoading } from './core/module.ts'
import { OpenGate } from './open-gate.ts'
import { optionsKey } from './options-key.ts'
import { globalFetch, resolveGateSettings, type GateSettings } from './settings.ts'

/**
 * The maximum number of open gates. An idle gate takes about 0.2 MB without its state, so these take a tenth of the
 * memory of a Workers isolate (128 MB). Beyond it, the least recently used gate is closed and reopened when needed.
 */
export const MAX_OPEN_GATES = 64

/** Opens gates at first use: a single one, or one for each `env` with different options. */
export class GatesByEnv<Env> {
  readonly #options: GateSettings | ((env: Env) => AnyGateOptions)
  readonly #isFixed: boolean
  /** Open gates, by identity. */
  readonly #entries = new Map<string, Entry>()
  /** The gates whose options have a key, by the key of the options with which each was opened. */
  readonly #byOptions = new Map<string, Entry>()
  /** Identities of gates by the `env` from which their options were made. */
  readonly #byEnv = new WeakMap<object, string>()
  readonly #functions = new WeakMap<object, number>()
  readonly #reported = new Set<string>()
  #latest: OpenGate | undefined
  /** The `env` of `#latest`, which is nearly always that of the next call too. */
  #latestEnv: Env | undefined
  #uses = 0
  #functionCount = 0
  #closed = false

  /** Throws `invalid_option` for options that do not depend on an `env`. */
  constructor(options: AnyGateOptions | ((env: Env) => AnyGateOptions)) {
    this.#isFixed = typeof options !== 'function'
    this.#options = typeof options === 'function' ? options : resolveGateSettings(options)
  }

  /**
   * The promise that a call awaits before it opens a gate, while the wasm module loads. Throws and rejects with
   * `not_loaded`.
   */
  get loading(): Promise<void> | undefined {
    return this.#latest === undefined ? startLoading() : undefined
  }

  /**
   * Returns the gate for an `env`; without one, the only open gate. Throws `closed`, `too_many_gates`, the errors of
   * opening a gate, and `invalid_option` for a missing `env` if several are open.
   */
  open(env?: Env): OpenGate {
    const latest = this.#latest
    return latest !== undefined && (env === this.#latestEnv || this.#isFixed) ? latest : this.#openFor(env)
  }

  /** Returns whether no gate can be opened because `env` is missing. */
  lacksEnv(env?: Env): boolean {
    return env === undefined && !this.#isFixed && this.#entries.size === 0 && !this.#closed
  }

  close(): void {
    this.#closed = true
    for (const { gate } of this.#entries.values()) gate.close()
    this.#entries.clear()
    this.#byOptions.clear()
    this.#latest = undefined
    this.#latestEnv = undefined
  }

  #openFor(env: Env | undefined): OpenGate {
    if (this.#closed) throw new PortcullisError('closed', 'the gate was closed')
    const entry = env === undefined && this.#entries.size > 0 ? this.#only() : this.#entryFor(env)
    entry.usedAt = ++this.#uses
    this.#latest = entry.gate
    this.#latestEnv = env
    return entry.gate
  }

  /**
   * Throws `invalid_option` if several gates are open: any choice could judge a request by another tenant's options.
   */
  #only(): Entry {
    const [only, ...others] = this.#entries.values()
    if (only !== undefined && others.length === 0) return only
    const message =
      'options.env is missing: several gates are open, for different options, so the call must name its env'
    throw new PortcullisError('invalid_option', message, { detail: 'env_needed' })
  }

  #entryFor(env: Env | undefined): Entry {
    const key = typeof env === 'object' && env !== null ? env : undefined
    const known = this.#entries.get((key && this.#byEnv.get(key)) ?? '')
    if (known !== undefined) return known
    const entry =
      typeof this.#options === 'function'
        ? this.#entryForOptions(this.#options(env as Env))
        : this.#entryForSettings(this.#options)
    if (key !== undefined) this.#byEnv.set(key, entry.identity)
    return entry
  }

  /**
   * Returns the gate for options. A runtime may create a new `env` for every request: as long as the options have equal
   * values, the gate and its state are kept.
   */
  #entryForOptions(options: AnyGateOptions): Entry {
    const key = optionsKey(options, (realms) => this.#numberOf(realms))
    const known = key === undefined ? undefined : this.#byOptions.get(key)
    const { onReport, fetch = globalFetch } = options
    if (known !== undefined && (!known.fetchesKeys || known.gate.settings.fetch === fetch)) {
      known.gate.adopt({ onReport, fetch })
      return known
    }
    const entry = this.#entryForSettings(resolveGateSettings(options))
    if (key !== undefined && known === undefined && entry.optionsKey === undefined) {
      entry.optionsKey = key
      this.#byOptions.set(key, entry)
    }
    return entry
  }

  #entryForSettings(settings: GateSettings): Entry {
    const { resolver } = settings
    // A function may return a realm whose keys are at a URL.
    const fetchesKeys = resolver !== undefined || settings.realms.some(({ jwks }) => jwks instanceof URL)
    const values = JSON.stringify(settings)
    const identity = `${fetchesKeys ? this.#numberOf(settings.fetch) : ''} ${resolver === undefined ? '' : this.#numberOf(resolver)} ${values}`
    const known = this.#entries.get(identity)
    if (known !== undefined) {
      known.gate.adopt(settings)
      return known
    }
    this.#makeRoom()
    const gate = new OpenGate(settings)
    const alike = [...this.#entries.values()].filter((entry) => entry.values === values)
    if (alike.some((entry) => entry.gate.settings.resolver === resolver))
      this.#reportOnce(gate, 'fetch_differs', FETCH_DIFFERS)
    else if (alike.length > 0) this.#reportOnce(gate, 'realms_differ', REALMS_DIFFER)
    const entry: Entry = { identity, values, fetchesKeys, gate, optionsKey: undefined, usedAt: 0 }
    this.#entries.set(identity, entry)
    return entry
  }

  /** Closes the least recently used gate that is not busy. Throws `too_many_gates`. */
  #makeRoom(): void {
    if (this.#entries.size < MAX_OPEN_GATES) return
    let oldest: Entry | undefined
    for (const entry of this.#entries.values()) {
      if (!entry.gate.isBusy && (oldest === undefined || entry.usedAt < oldest.usedAt)) oldest = entry
    }
    if (oldest === undefined) {
      throw new PortcullisError(
        'too_many_gates',
        `${MAX_OPEN_GATES} gates are open, and each has a request in progress: ${FEWER_GATES}`,
      )
    }
    const { gate, identity, optionsKey: key } = oldest
    const message = `more than ${MAX_OPEN_GATES} gates were needed, so the least recently used one was closed: ${FEWER_GATES}`
    this.#reportOnce(gate, 'gate_closed', message)
    this.#entries.delete(identity)
    if (key !== undefined) this.#byOptions.delete(key)
    gate.close()
  }

  /** Returns a number that identifies a function. */
  #numberOf(named: typeof globalThis.fetch | RealmResolver): number {
    const known = this.#functions.get(named)
    if (known !== undefined) return known
    this.#functionCount += 1
    this.#functions.set(named, this.#functionCount)
    return this.#functionCount
  }

  #reportOnce(gate: OpenGate, detail: string, message: string): void {
    if (this.#reported.has(detail)) return
    this.#reported.add(detail)
    gate.reports.options(new PortcullisError('invalid_option', message, { detail }))
  }
}

/** An open gate and the options with which it was opened. */
interface Entry {
  /**
   * Settings with the same identity share the gate: their values, a function as `realms` and, if it fetches keys,
   * `fetch`.
   */
  readonly identity: string
  readonly values: string
  /**
   * Whether the gate's trust depends on `fetch`: keys from a URL are only as good as the function that fetches them. A
   * feed is signed by pinned keys, so its transport does not matter.
   */
  readonly fetchesKeys: boolean
  readonly gate: OpenGate
  /** The key of its options, if no other gate was opened with the same. */
  optionsKey: string | undefined
  /** Time of the last use, as a count of uses. */
  usedAt: number
}

const FETCH_DIFFERS =
  'options.fetch differs from that of an open gate whose other options are equal, so a second gate was opened, with keys and state of ' +
  'its own: if both serve one tenant, define fetch outside the function that makes the options'
const REALMS_DIFFER =
  'options.realms differs from that of an open gate whose other options are equal, so a second gate was opened, with realms of ' +
  'its own: define the function once, outside the one that makes the options'
const FEWER_GATES = 'make the options depend on less of env, or configure the issuers as realms of one gate'
