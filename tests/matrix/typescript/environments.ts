// Compilers: an application's types with every module resolution, as ES modules and as CommonJS, strict and not, and
// with frameworks' types.

import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Checked } from '../environment.ts'
import type { Workplace } from '../workplace.ts'

/** A value of `moduleResolution`, the matching `module`, and the possible module systems of an application. */
interface Resolution {
  moduleResolution: string
  module: string
  systems: readonly ('esm' | 'cjs')[]
  /** The version whose deprecations are accepted. */
  ignoreDeprecations?: string
}

interface Compiler {
  version: string
  /** Node's types from the compiler's time; each version serves the compilers of two years. */
  nodeTypes: '@types-of-2023' | '@types-of-2025'
  resolutions: readonly Resolution[]
  /** Whether it can read the types of today's frameworks. */
  readsFrameworks: boolean
}

const NODE: readonly Resolution[] = [
  { moduleResolution: 'node16', module: 'node16', systems: ['esm', 'cjs'] },
  { moduleResolution: 'nodenext', module: 'nodenext', systems: ['esm', 'cjs'] },
]
const BUNDLER: Resolution = { moduleResolution: 'bundler', module: 'esnext', systems: ['esm'] }
/** Does not support `exports`. TypeScript 6 deprecates it, and 7 has removed it. */
const NODE10: Resolution = { moduleResolution: 'node10', module: 'commonjs', systems: ['cjs'] }

const COMPILERS: readonly Compiler[] = [
  { version: '5.0', nodeTypes: '@types-of-2023', resolutions: [...NODE, BUNDLER, NODE10], readsFrameworks: false },
  { version: '5.9', nodeTypes: '@types-of-2025', resolutions: [...NODE, BUNDLER, NODE10], readsFrameworks: true },
  {
    version: '6.0',
    nodeTypes: '@types-of-2025',
    resolutions: [...NODE, BUNDLER, { ...NODE10, ignoreDeprecations: '6.0' }],
    readsFrameworks: true,
  },
  { version: '7.0', nodeTypes: '@types-of-2025', resolutions: [...NODE, BUNDLER], readsFrameworks: true },
]
const OFTEN = ['5.0', '5.9', '7.0']

/** A run of a compiler. */
interface Combination {
  resolution: Resolution
  strict: boolean
}

/**
 * Returns each kind of resolution and strictness once: with `exports` and strict and, if the compiler supports it,
 * without `exports`.
 */
function opposites({ resolutions }: Compiler): Combination[] {
  return [resolutions.slice(0, 1), resolutions.slice(-1)].flatMap((ends, index) =>
    ends.map((resolution) => ({ resolution, strict: index === 0 })),
  )
}

function all({ resolutions }: Compiler): Combination[] {
  return resolutions.flatMap((resolution) => [true, false].map((strict) => ({ resolution, strict })))
}

export const environments: readonly Checked[] = [
  ...COMPILERS.filter(({ version }) => OFTEN.includes(version)).map((compiler) =>
    environment(compiler, 'short', opposites(compiler)),
  ),
  ...COMPILERS.map((compiler) => environment(compiler, 'long', all(compiler))),
]

function environment(compiler: Compiler, tier: 'short' | 'long', combinations: readonly Combination[]): Checked {
  const each = combinations.map(
    ({ resolution, strict }) =>
      `${resolution.moduleResolution} ${resolution.systems.join('+')}${strict ? ' strict' : ''}`,
  )
  return {
    name: `typescript ${compiler.version}${tier === 'long' ? ', all combinations' : ''}`,
    configuration: `tsc --noEmit --target es2022 --skipLibCheck false --skipDefaultLibCheck: ${each.join(', ')}`,
    tier,
    tool: `typescript-${compiler.version}`,
    async check(place) {
      await writeApplication(place, compiler.readsFrameworks ? ['consumer', 'frameworks'] : ['consumer'])
      for (const combination of combinations) await check(place, compiler, combination)
    },
  }
}

/** Writes the same files as ES modules and as CommonJS. */
async function writeApplication({ folder }: Workplace, sources: readonly string[]): Promise<void> {
  for (const [system, type] of [
    ['esm', 'module'],
    ['cjs', 'commonjs'],
  ] as const) {
    for (const source of sources) await cp(join(folder, source), join(folder, system), { recursive: true })
    await writeFile(join(folder, system, 'package.json'), JSON.stringify({ type }))
  }
}

async function check(
  place: Workplace,
  { version, nodeTypes, readsFrameworks }: Compiler,
  { resolution, strict }: Combination,
): Promise<void> {
  const { systems, ...options } = resolution
  const name = `tsconfig.${options.moduleResolution}-${strict ? 'strict' : 'loose'}.json`
  const configuration = {
    // The compiler's own library is not checked, which would take half of the time.
    compilerOptions: {
      ...options,
      strict,
      target: 'es2022',
      types: ['node'],
      typeRoots: [`node_modules/${nodeTypes}`],
      skipLibCheck: false,
      skipDefaultLibCheck: true,
      noEmit: true,
      // Frameworks import CommonJS packages through `default`.
      esModuleInterop: readsFrameworks,
    },
    include: systems,
    exclude: strict ? [] : systems.map((system) => `${system}/strict.ts`),
  }
  await writeFile(join(place.folder, name), JSON.stringify(configuration))
  await place.run('node', [`node_modules/typescript-${version}/bin/tsc`, '--project', name])
}
