// Unknown hosts, and bundlers that match none of our conditions. The module is embedded in the code.
import { base64 } from '../../../wasm/edge/embedded.js'
import { loadFrom } from '../../edge/core/module.ts'
import { fasterEd25519 } from '../ed25519.ts'
import { compileAnywhere, nodeCrypto } from '../universal.ts'

loadFrom(() => compileAnywhere(base64), { shareFlights: true, ...nodeCrypto(), fasterEd25519: fasterEd25519() })
export * from '../../edge/index.ts'
