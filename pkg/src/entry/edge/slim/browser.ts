// Browsers, service workers and similar hosts: the module is fetched from the code's location, and calls wait for it.
import { loadFrom, startLoading } from '../../../edge/core/module.ts'
import { compileFetched } from '../../fetched.ts'

const copy = () => import('../../../../wasm/edge-slim/embedded.js')
loadFrom(() => compileFetched(() => new URL('../../../../wasm/edge-slim/core_bg.wasm', import.meta.url), copy), {
  shareFlights: true,
})
void startLoading()
export * from '../../../edge/index.ts'
