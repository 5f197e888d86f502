// Memory really runs out in the slim module, on a host that verifies asynchronously.

import { readFileSync } from 'node:fs'
import { createGate, load } from '../../entry/edge/load.ts'
import { withMaximumMemory } from '../../test-fixtures/small-memory.ts'
import { SMALL_MEMORY_BYTES, testFailingCore } from '../testing/failing-core.ts'

const file = readFileSync(new URL('../../../wasm/edge-slim/core_bg.wasm', import.meta.url))
load(new WebAssembly.Module(withMaximumMemory(file, SMALL_MEMORY_BYTES)), { shareFlights: true })

testFailingCore(createGate, 'later')
