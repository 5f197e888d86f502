// Hosts whose bundlers do not resolve `node:` imports. The module is embedded in the code.
import { base64 } from '../../../wasm/origin/embedded.js'
import { loadFrom } from '../../origin/core/module.ts'
import { fasterEd25519 } from '../ed25519.ts'
import { compileAnywhere, nodeCrypto } from '../universal.ts'

loadFrom(() => compileAnywhere(base64), { shareFlights: true, ...nodeCrypto(), fasterEd25519: fasterEd25519() })
export { startLoading } from '../../origin/core/module.ts'
export * from '../../origin/index.ts'
