// Node, Deno and Bun: the module is a file beside the code.
import { createHash, createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { load } from '../../../edge/core/module.ts'

const file = new URL('../../../../wasm/edge-slim/core_bg.wasm', import.meta.url)
load(new WebAssembly.Module(readFileSync(file)), { shareFlights: true, nodeCrypto: { createHash, createPublicKey, verify } })
export * from '../../../edge/index.ts'
