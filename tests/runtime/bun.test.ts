// The suite in Bun.

import { testIn } from './program.ts'

testIn('Bun', 'bun', ['run'])
