// workerd compiles the module when the worker is uploaded; a request may not await a promise of another. Its WebCrypto
// verifies before it returns.
import module from '../../../../wasm/edge-slim/core_bg.wasm'
import { load } from '../../../edge/core/module.ts'

load(module, { shareFlights: false, webCryptoReads: 'at_once' })
export * from '../../../edge/index.ts'
