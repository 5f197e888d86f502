// Makes the core ready for tests, as the entry files do for everybody else.

import { readFileSync } from 'node:fs'
import { load } from '../core.ts'

load(new WebAssembly.Module(readFileSync(new URL('../../../wasm/origin/core_bg.wasm', import.meta.url))), { shareFlights: true })
