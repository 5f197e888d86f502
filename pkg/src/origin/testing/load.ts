// Makes the core ready for tests, as the entry files do for users.

import { createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { load } from '../core/module.ts'

const file = new URL('../../../wasm/origin/core_bg.wasm', import.meta.url)
load(new WebAssembly.Module(readFileSync(file)), { shareFlights: true, nodeCrypto: { createPublicKey, verify } })
