// Memory really runs out: the module gets little of it.

import { createHash, createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createGate, load } from '../../entry/edge/load.ts'
import { withMaximumMemory } from '../../test-fixtures/small-memory.ts'
import { SMALL_MEMORY_BYTES, testFailingCore } from '../testing/failing-core.ts'

const file = readFileSync(new URL('../../../wasm/edge/core_bg.wasm', import.meta.url))
load(new WebAssembly.Module(withMaximumMemory(file, SMALL_MEMORY_BYTES)), {
  shareFlights: true,
  nodeCrypto: { createHash, createPublicKey, verify },
})

testFailingCore(createGate, 'at_once')
