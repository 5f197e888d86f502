// Nitro for workerd without its wasm plugin. The import cannot be resolved, so the build ends with its text.
import 'portcullis needs a wasm module: set experimental.wasm to true in the configuration of Nitro'

export * from '../../edge/index.ts'
