// Node, Deno and Bun: the module is a file beside the code.
import { createHash, createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { load } from '../../edge/core/module.ts'
import { fasterEd25519 } from '../ed25519.ts'
import { hasSimd } from '../simd.ts'

const nodeCrypto = { createHash, createPublicKey, verify }
if (hasSimd()) {
  const file = new URL('../../../wasm/edge/core_bg.wasm', import.meta.url)
  load(new WebAssembly.Module(readFileSync(file)), { shareFlights: true, nodeCrypto, fasterEd25519: fasterEd25519() })
} else {
  const file = new URL('../../../wasm/edge-slim/core_bg.wasm', import.meta.url)
  load(new WebAssembly.Module(readFileSync(file)), { shareFlights: true, nodeCrypto })
}
export * from '../../edge/index.ts'
