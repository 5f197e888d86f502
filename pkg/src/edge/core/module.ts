import { __wbg_reset_state, initSync, reasons } from '../../../wasm/edge/core.js'
import { type ModuleSource, type Runtime, WasmModule } from '../../core/module.ts'

export type { NodeCrypto, Runtime } from '../../core/module.ts'

/** The edge's wasm module. */
export const wasmModule: WasmModule = new WasmModule(
  { initSync, __wbg_reset_state, reasons },
  "import from 'portcullis/edge', or from 'portcullis/edge/load' and first call load(module, { shareFlights }) with the " +
    'WebAssembly.Module of portcullis/edge.wasm',
)

/** Loads the core. Every entry file calls this or `loadFrom` once, at import; later calls have no effect. */
export function load(module: WebAssembly.Module, runtime: Runtime): void {
  wasmModule.load(module, runtime)
}

/** Like `load`, but compiles the module at the first use of the core. */
export function loadFrom(compile: ModuleSource, runtime: Runtime): void {
  wasmModule.loadFrom(compile, runtime)
}

/**
 * Starts loading the module. Returns `undefined` if there is nothing to wait for. Throws and rejects with `not_loaded`.
 */
export function startLoading(): Promise<void> | undefined {
  return wasmModule.start()
}

/** Returns the runtime passed to `load`. Throws `not_loaded`. */
export function loadedRuntime(): Runtime {
  return wasmModule.runtime
}
