// All other hosts: the caller compiles `portcullis/edge.wasm` or `portcullis/edge-slim.wasm` and calls `load` before
// the first use. Only the slim module works without SIMD (WebAssembly 2.0).
export { load, type Runtime as Host } from '../../edge/core/module.ts'
export * from '../../edge/index.ts'
