// Node, Deno and Bun: the module is a file beside the code.
import { createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { load } from '../../origin/core.ts'

const file = new URL('../../../wasm/origin/core_bg.wasm', import.meta.url)
load(new WebAssembly.Module(readFileSync(file)), { shareFlights: true, nodeCrypto: { createPublicKey, verify } })
export * from '../../origin/index.ts'
