// Nitro for workerd without its wasm plugin. The import cannot be resolved, so the build fails with its text as the
// message.
import 'portcullis needs a wasm module: set experimental.wasm to true in the configuration of Nitro'

export * from '../../edge/index.ts'
