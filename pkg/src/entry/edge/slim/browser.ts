// Browsers, service workers and hosts like them: the module is fetched from beside the code.
import { load } from '../../../edge/core/module.ts'

const file = new URL('../../../../wasm/edge-slim/core_bg.wasm', import.meta.url)
load(await WebAssembly.compileStreaming(fetch(file)), { shareFlights: true })
export * from '../../../edge/index.ts'
