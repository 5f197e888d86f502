// Unknown hosts, and bundlers that match none of our conditions. The module is embedded in the code.
import { base64 } from '../../../../wasm/edge-slim/embedded.js'
import { loadFrom } from '../../../edge/core/module.ts'
import { compileAnywhere, nodeCrypto } from '../../universal.ts'

loadFrom(() => compileAnywhere(base64), { shareFlights: true, ...nodeCrypto() })
export * from '../../../edge/index.ts'
