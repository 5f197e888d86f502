// Jest in its default mode, which is CommonJS in a context of its own, and in jsdom.

import type { Environment } from '../environment.ts'
import { serveProgram } from '../hosts/program.ts'

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
    start: (place, stage) => serveProgram(place, stage, { command: 'jest', parameters: ['--env=jsdom'] }),
  },
]
