// The core with little memory, so that it can run out. Import it before modules that load the core.

import { createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { withMaximumMemory } from '../../test-fixtures/small-memory.ts'
import { load } from '../core/module.ts'

/** Room for the module and a few thousand events, but not for many that are written at once. */
const MEMORY_BYTES = 4 * 1024 * 1024

const file = readFileSync(new URL('../../../wasm/origin/core_bg.wasm', import.meta.url))
load(new WebAssembly.Module(withMaximumMemory(file, MEMORY_BYTES)), {
  shareFlights: true,
  nodeCrypto: { createPublicKey, verify },
})
