// Node, Deno and Bun: the module is a file beside the code.
import { createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { PortcullisError } from '../../errors.ts'
import { load } from '../../origin/core/module.ts'
import { fasterEd25519 } from '../ed25519.ts'
import { hasSimd } from '../simd.ts'

if (!hasSimd()) {
  const message = 'this engine has no wasm SIMD, which an origin needs: take a processor from 2008 or later (on x86, one with SSE4.1)'
  throw new PortcullisError('not_loaded', message)
}
const file = new URL('../../../wasm/origin/core_bg.wasm', import.meta.url)
const module = new WebAssembly.Module(readFileSync(file))
load(module, { shareFlights: true, nodeCrypto: { createPublicKey, verify }, fasterEd25519: fasterEd25519() })
export * from '../../origin/index.ts'
