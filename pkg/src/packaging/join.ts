// Entries that need few files: one each for Node, and a shared one next to the entries for workerd and edge runtimes.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, type BuildOptions } from 'esbuild'

/** Each additional file costs a starting process a third of a millisecond, and the gate has 77. */
const NODE = ['dist/entry/edge/node.js', 'dist/entry/edge/slim/node.js']

/** Minified here, because wrangler uploads bundles as they are. */
const WORKERS = ['workerd', 'unwasm', 'edge-light'].flatMap((name) => [
  `dist/entry/edge/${name}.js`,
  `dist/entry/edge/slim/${name}.js`,
])

/**
 * Bundles what the entries of the built package in `folder` import, except for the wasm module. The modules themselves
 * stay, for `portcullis/edge/load`; a process that imports both has two instances of the core, each complete.
 */
export async function joinEntries(folder: string): Promise<void> {
  for (const entry of NODE) {
    const file = join(folder, entry)
    await build({ ...JOINED, platform: 'node', entryPoints: [file], outfile: file })
  }
  await build({
    ...JOINED,
    platform: 'neutral',
    entryPoints: WORKERS.map((entry) => join(folder, entry)),
    outdir: join(folder, 'dist/entry/edge'),
    // A second part would have the same name, which is an error.
    splitting: true,
    chunkNames: 'gate',
    minify: true,
    // The source map names the modules, which are in the package.
    sourcemap: 'linked',
    sourcesContent: false,
  })
}

/** Jest runs CommonJS and cannot `require` an ES module such as `jose`. */
const TEST_KIT = 'dist/cjs/entry/test-kit/default.cjs'

/**
 * Bundles the test kit's CommonJS copy with everything that it imports, including `jose`, except for the wasm modules.
 */
export async function joinTestKit(folder: string): Promise<void> {
  const file = join(folder, TEST_KIT)
  const licence = readFileSync(join(folder, 'node_modules/jose/LICENSE.md'), 'utf8').trim()
  await build({
    ...JOINED,
    format: 'cjs',
    platform: 'node',
    entryPoints: [file],
    outfile: file,
    external: ['*/embedded.cjs'],
    minifyWhitespace: true,
    minifySyntax: true,
    banner: { js: `/*\nContains jose (https://github.com/panva/jose):\n\n${licence}\n*/` },
  })
}

const JOINED = {
  allowOverwrite: true,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  external: ['*/embedded.js', '*.wasm', '*.wasm?module'],
  logLevel: 'error',
} satisfies BuildOptions
