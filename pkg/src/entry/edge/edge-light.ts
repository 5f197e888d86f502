// Edge runtimes of Next and Vercel, which load a compiled module by `?module`. A request may not await a promise of
// another.
import module from '../../../wasm/edge/core_bg.wasm?module'
import { load } from '../../edge/core/module.ts'

load(module, { shareFlights: false, fasterEd25519: 'core' })
export * from '../../edge/index.ts'
