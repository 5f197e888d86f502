// The installed package without a bundler: ES modules, and CommonJS where `require` exists.

import { join } from 'node:path'
import type { Environment, Probed } from '../environment.ts'
import { serveOrigin } from '../hosts/origin.ts'
import { serveProgram } from '../hosts/program.ts'
import type { Workplace } from '../workplace.ts'

interface Runtime {
  name: string
  /** The package whose version the table prints. */
  tool: string
  command(place: Workplace): string
  parameters: readonly string[]
}

/** Runs Node from npm's package of this version's binary, under its name in package.json. */
function node(major: number): Runtime {
  const tool = `node${major}-${process.platform}-${process.arch}`
  return {
    name: `Node ${major}`,
    tool,
    command: (place) => join(place.folder, 'node_modules', tool, 'bin/node'),
    parameters: [],
  }
}

const BUN: Runtime = { name: 'Bun', tool: 'bun', command: () => 'bun', parameters: ['run'] }
const DENO: Runtime = {
  name: 'Deno',
  tool: 'deno',
  command: () => 'deno',
  parameters: [
    'run',
    '--quiet',
    '--no-lock',
    '--node-modules-dir=manual',
    '--allow-net',
    '--allow-env',
    '--allow-read',
  ],
}

function gate({ name, tool, command, parameters }: Runtime, system: string, file: string): Probed {
  return {
    name: `${name}, ${system}`,
    configuration: [name.split(' ')[0]?.toLowerCase(), ...parameters, file].join(' '),
    tier: 'long',
    tool,
    start: (place, stage) => serveProgram(place, stage, { command: command(place), parameters: [...parameters, file] }),
  }
}

function origin({ name, tool, command, parameters }: Runtime): Probed {
  return {
    name: `${name}, origin`,
    configuration: [name.split(' ')[0]?.toLowerCase(), ...parameters, 'apps/origin.js'].join(' '),
    tier: 'long',
    tool,
    start: (place, stage) =>
      serveOrigin(place, stage, { command: command(place), parameters: [...parameters, 'apps/origin.js'] }),
  }
}

const NODES = [20, 22, 24].map(node)

export const environments: readonly Environment[] = [
  ...NODES.flatMap((runtime) => [
    gate(runtime, 'import', 'apps/node.js'),
    gate(runtime, 'require', 'require.cjs'),
    origin(runtime),
  ]),
  gate(BUN, 'import', 'apps/bun.js'),
  gate(BUN, 'require', 'require.cjs'),
  origin(BUN),
  gate(DENO, 'import', 'apps/deno.js'),
]
