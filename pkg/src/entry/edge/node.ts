// Node, Deno and Bun.
import { createHash, createPublicKey, verify } from 'node:crypto'
import { base64 } from '../../../wasm/edge/embedded.js'
import { loadFrom } from '../../edge/core/module.ts'
import { fasterEd25519 } from '../ed25519.ts'
import { compileWithSimd } from '../embedded.ts'

const REMEDY = "this gate needs: import from 'portcullis/edge/slim', which does not need it"
const nodeCrypto = { createHash, createPublicKey, verify }
loadFrom(() => compileWithSimd(base64, REMEDY), { shareFlights: true, nodeCrypto, fasterEd25519: fasterEd25519() })
export * from '../../edge/index.ts'
