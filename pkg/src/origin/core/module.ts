import { __wbg_reset_state, initSync, reasons } from '../../../wasm/origin/core.js'
import { PortcullisError } from '../../errors.ts'
import { type ModuleSource, type Runtime, WasmModule } from '../../core/module.ts'

/** The origin's wasm module and its current instance. */
const loading: WasmModule = new WasmModule(
  { initSync, __wbg_reset_state, reasons },
  "import from 'portcullis/origin', which loads it",
)

/** Loads the core. Every entry file calls this or `loadFrom` once, at import; later calls have no effect. */
export function load(module: WebAssembly.Module, runtime: Runtime): void {
  loading.load(module, runtime)
}

/** Like `load`, but compiles the module at the first use of the core. */
export function loadFrom(compile: ModuleSource, runtime: Runtime): void {
  loading.loadFrom(compile, runtime)
}

/** Starts loading the module. Returns `undefined` if it is already loaded. Rejects with `not_loaded`. */
export function startLoading(): Promise<void> | undefined {
  return loading.start()
}

/** The runtime's abilities. Throws `not_loaded`. */
export function host(): Runtime {
  return loading.runtime
}

/** The core's memory. Throws `not_loaded`. */
export function memory(): WebAssembly.Memory {
  return loading.memory
}

/**
 * Throws `not_loaded` or `fault` unless the core can be used. After a failure the next origin of this process gets a
 * new instance.
 */
export function mustBeUsable(): void {
  if (!loading.renew()) throw lostCore()
}

/** Returns the number of the core's instance. After a trap the instance is discarded and all its state is lost. */
export function coreGeneration(): number {
  return loading.generation
}

/** Whether objects of that instance may still be used. */
export function isCurrent(generation: number): boolean {
  return generation === loading.generation
}

const faultListeners = new Set<(error: PortcullisError) => void>()

/**
 * Registers `listener`, which is called after a call into the core has ended in a trap. It must not throw. Returns a
 * function that unsubscribes it.
 */
export function onCoreFault(listener: (error: PortcullisError) => void): () => void {
  faultListeners.add(listener)
  return () => void faultListeners.delete(listener)
}

/**
 * Runs a call into the core. Throws the core's refusal, or `fault` if it ended in a trap; the instance is then
 * discarded.
 */
export function guarded<T>(operation: () => T): T {
  const { generation } = loading
  try {
    return operation()
  } catch (cause) {
    // A value of the wrong type never reaches the core.
    if (cause instanceof PortcullisError || cause instanceof TypeError || coreCode(cause) !== undefined) throw cause
    const error = lostCore(cause)
    loading.discard(generation)
    for (const listener of [...faultListeners]) listener(error)
    throw error
  }
}

/** The error of an origin whose core has failed. */
export function lostCore(cause?: unknown): PortcullisError {
  const message =
    'the core of this origin has failed: nothing more is recorded or published until the origin is restarted'
  return new PortcullisError('fault', message, { detail: 'core_failed', cause })
}

/** The stable code of an error thrown by the core, such as `pruned` or `invalid_token`. */
export function coreCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

/** Returns the core's message about options that it refuses. */
export function refusalOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : 'unknown cause'
}
