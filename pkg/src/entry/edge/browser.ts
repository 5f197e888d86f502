// Browsers, service workers and hosts like them: the module is fetched from beside the code.
import { load } from '../../edge/core.ts'
import { hasVectors } from './vectors.ts'

const file = hasVectors()
  ? new URL('../../../wasm/edge/core_bg.wasm', import.meta.url)
  : new URL('../../../wasm/edge-slim/core_bg.wasm', import.meta.url)
load(await WebAssembly.compileStreaming(fetch(file)), { shareFlights: true })
export * from '../../edge/index.ts'
