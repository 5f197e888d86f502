// Browsers, service workers and hosts like them: the module is fetched from beside the code, and calls wait for it.
import { loadFrom, startLoading } from '../../edge/core/module.ts'
import { compileFetched } from '../fetched.ts'
import { hasSimd } from '../simd.ts'

if (hasSimd()) {
  const copy = () => import('../../../wasm/edge/embedded.js')
  const compile = () => compileFetched(() => new URL('../../../wasm/edge/core_bg.wasm', import.meta.url), copy)
  loadFrom(compile, { shareFlights: true, fasterEd25519: 'core' })
} else {
  // Few engines need it, so there is no copy.
  loadFrom(() => compileFetched(() => new URL('../../../wasm/edge-slim/core_bg.wasm', import.meta.url)), {
    shareFlights: true,
  })
}
void startLoading()
export * from '../../edge/index.ts'
