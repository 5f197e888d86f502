// The suite in Deno.

import { testIn } from './program.ts'

testIn('Deno', 'deno', ['run', '--quiet', '--allow-all', '--no-prompt', '--no-lock', '--node-modules-dir=manual'])
