// Jest in its default mode, which is CommonJS in a separate context, and in jsdom.

import type { Environment } from '../environment.ts'
import { serveProgram } from '../hosts/program.ts'
import { readJson, testKit } from '../hosts/test-kit.ts'

export const environments: readonly Environment[] = [
  {
    name: 'Jest, CommonJS',
    configuration: 'jest',
    tier: 'short',
    start: (place, stage) => serveProgram(place, stage, { command: 'jest', parameters: [] }),
  },
  {
    name: 'Jest, jsdom',
    configuration: 'jest --env=jsdom',
    tier: 'long',
    notMet: {
      because:
        "Jest's jsdom has neither TextDecoder nor fetch, which a gate needs; a test that uses one begins with /** @jest-environment node */, " +
        'or has jest-fixed-jsdom as its environment',
      prints: /ReferenceError: TextDecoder is not defined/,
    },
    start: (place, stage) => serveProgram(place, stage, { command: 'jest', parameters: ['--env=jsdom'] }),
  },
  {
    name: 'Jest, jest-fixed-jsdom',
    configuration: 'jest --env=jest-fixed-jsdom',
    tier: 'long',
    start: (place, stage) => serveProgram(place, stage, { command: 'jest', parameters: ['--env=jest-fixed-jsdom'] }),
  },
  testKit({ name: 'Jest, test kit', example: 'jest', command: 'jest --json', tier: 'short', read: readJson }),
]
