// workerd with a bundler that uses `unwasm` (Nitro). Only with `?module` does it accept a module without parsing its
// instructions.
import module from '../../../../wasm/edge-slim/core_bg.wasm?module'
import { load } from '../../../edge/core/module.ts'

load(module, { shareFlights: false, webCryptoReads: 'at_once' })
export * from '../../../edge/index.ts'
