// workerd compiles the module when the worker is uploaded; a request may not await what another began.
import module from '../../../wasm/origin/core_bg.wasm'
import { load } from '../../origin/core/module.ts'

load(module, { shareFlights: false, fasterEd25519: 'core' })
export * from '../../origin/index.ts'
