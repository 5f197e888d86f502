// workerd compiles the module when the worker is uploaded; a request may not await what another began.
import module from '../../../../wasm/edge-slim/core_bg.wasm'
import { load } from '../../../edge/core.ts'

load(module, { shareFlights: false })
export * from '../../../edge/index.ts'
