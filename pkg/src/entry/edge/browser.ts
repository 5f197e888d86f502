// Browsers, service workers and hosts like them: the module is fetched from beside the code.
import { load } from '../../edge/core/module.ts'
import { hasSimd } from '../simd.ts'

if (hasSimd()) {
  const file = new URL('../../../wasm/edge/core_bg.wasm', import.meta.url)
  load(await WebAssembly.compileStreaming(fetch(file)), { shareFlights: true, fasterEd25519: 'core' })
} else {
  const file = new URL('../../../wasm/edge-slim/core_bg.wasm', import.meta.url)
  load(await WebAssembly.compileStreaming(fetch(file)), { shareFlights: true })
}
export * from '../../edge/index.ts'
