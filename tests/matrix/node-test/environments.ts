// Node's own test runner.

import type { Environment } from '../environment.ts'
import { readJunit, testKit } from '../hosts/test-kit.ts'

export const environments: readonly Environment[] = [
  testKit({
    name: 'node:test, test kit',
    example: 'node-test',
    command: 'node --test --test-reporter=junit',
    tier: 'short',
    tool: 'jose',
    read: readJunit,
  }),
]
