// Vitest without a configuration file, in each pool, and with jsdom.

import type { Environment, Probed } from '../environment.ts'
import { serveProgram } from '../hosts/program.ts'
import { readJson, testKit } from '../hosts/test-kit.ts'

function vitest(name: string, ...flags: string[]): Probed {
  const parameters = ['run', '--disable-console-intercept', ...flags]
  return {
    name: `Vitest, ${name}`,
    configuration: ['vitest', ...parameters].join(' '),
    tier: 'long',
    start: (place, stage) => serveProgram(place, stage, { command: 'vitest', parameters }),
  }
}

export const environments: readonly Environment[] = [
  vitest('forks'),
  vitest('threads', '--pool=threads'),
  vitest('vmThreads', '--pool=vmThreads'),
  vitest('jsdom', '--environment=jsdom'),
  testKit({
    name: 'Vitest, test kit',
    example: 'vitest',
    command: 'vitest run --reporter=json',
    tier: 'short',
    read: readJson,
  }),
]
