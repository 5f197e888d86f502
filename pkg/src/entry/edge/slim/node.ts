// Node, Deno and Bun.
import { createHash, createPublicKey, verify } from 'node:crypto'
import { base64 } from '../../../../wasm/edge-slim/embedded.js'
import { loadFrom } from '../../../edge/core/module.ts'
import { compileEmbedded } from '../../embedded.ts'

loadFrom(() => compileEmbedded(base64), { shareFlights: true, nodeCrypto: { createHash, createPublicKey, verify } })
export * from '../../../edge/index.ts'
