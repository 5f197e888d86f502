// workerd compiles the module when the worker is uploaded; a request may not await a promise of another.
import module from '../../../wasm/origin/core_bg.wasm'
import { load } from '../../origin/core/module.ts'

load(module, { shareFlights: false, fasterEd25519: 'core' })
export * from '../../origin/index.ts'
