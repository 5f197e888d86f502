// workerd by a bundler with `unwasm` (Nitro). It takes a module without reading its instructions by `?module` alone.
import module from '../../../wasm/edge/core_bg.wasm?module'
import { load } from '../../edge/core/module.ts'

load(module, { shareFlights: false, webCryptoReads: 'at_once', fasterEd25519: 'core' })
export * from '../../edge/index.ts'
