// Edge runtimes that take a compiled module by `?module`: Next's and Vercel's. A request may not await a promise of
// another.
import module from '../../../wasm/edge/core_bg.wasm?module'
import { load } from '../../edge/core/module.ts'

load(module, { shareFlights: false, fasterEd25519: 'core' })
export * from '../../edge/index.ts'
