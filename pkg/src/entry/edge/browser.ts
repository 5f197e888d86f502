// Browsers, service workers and similar hosts: the module is fetched from the code's location, and calls wait for it.
import { loadFrom, startLoading } from '../../edge/core/module.ts'
import { compileFetched } from '../fetched.ts'
import { hasSimd } from '../simd.ts'

if (hasSimd()) {
  const copy = () => import('../../../wasm/edge/embedded.js')
  const compile = () => compileFetched(() => new URL('../../../wasm/edge/core_bg.wasm', import.meta.url), copy)
  loadFrom(compile, { shareFlights: true, fasterEd25519: 'core' })
} else {
  // Few engines need the slim module, so the code contains no copy of it.
  loadFrom(() => compileFetched(() => new URL('../../../wasm/edge-slim/core_bg.wasm', import.meta.url)), {
    shareFlights: true,
  })
}
void startLoading()
export * from '../../edge/index.ts'
