// Node, Deno and Bun: the module is a file beside the code.
import { createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { load } from '../../origin/core.ts'
import { fasterEd25519 } from '../ed25519.ts'

const file = new URL('../../../wasm/origin/core_bg.wasm', import.meta.url)
load(new WebAssembly.Module(readFileSync(file)), {
  shareFlights: true,
  nodeCrypto: { createPublicKey, verify },
  fasterEd25519: fasterEd25519(),
})
export * from '../../origin/index.ts'
