// Node, Deno and Bun.
import { createPublicKey, verify } from 'node:crypto'
import { base64 } from '../../../wasm/origin/embedded.js'
import { loadFrom } from '../../origin/core/module.ts'
import { fasterEd25519 } from '../ed25519.ts'
import { compileWithSimd } from '../embedded.ts'

const REMEDY = 'an origin needs: use a processor from 2008 or later (on x86, one with SSE4.1)'
loadFrom(() => compileWithSimd(base64, REMEDY), {
  shareFlights: true,
  nodeCrypto: { createPublicKey, verify },
  fasterEd25519: fasterEd25519(),
})
export * from '../../origin/index.ts'
