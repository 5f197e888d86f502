// The suite where code and wasm module are of different realms of JavaScript.

import { fileURLToPath } from 'node:url'
import { testIn } from './program.ts'

const GATE = fileURLToPath(new URL('vm-gate.ts', import.meta.url))

testIn('node:vm', process.execPath, ['--experimental-vm-modules', '--import', import.meta.resolve('tsx')], GATE)
