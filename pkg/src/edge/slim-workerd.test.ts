// The slim module by the rules of workerd, tried in Node: it is loaded with `shareFlights: false`, as by
// entry/edge/slim/workerd.ts.

import { readFileSync } from 'node:fs'
import { createGate, load } from '../entry/edge/load.ts'
import { testGrants } from './testing/grants.ts'
import { testManyTokens } from './testing/many-tokens.ts'

load(new WebAssembly.Module(readFileSync(new URL('../../wasm/edge-slim/core_bg.wasm', import.meta.url))), {
  shareFlights: false,
})

testGrants(createGate)
testManyTokens(createGate, 'slim')
