// Node, Deno and Bun: the module is a file beside the code.
import { createHash, createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { load } from '../../edge/core.ts'
import { hasSimd } from './simd.ts'

const file = hasSimd()
  ? new URL('../../../wasm/edge/core_bg.wasm', import.meta.url)
  : new URL('../../../wasm/edge-slim/core_bg.wasm', import.meta.url)
load(new WebAssembly.Module(readFileSync(file)), { shareFlights: true, nodeCrypto: { createHash, createPublicKey, verify } })
export * from '../../edge/index.ts'
