// One configuration per row, selected by --environment, with the plugins of Rollup's guide to packages.

import commonjs from '@rollup/plugin-commonjs'
import { nodeResolve } from '@rollup/plugin-node-resolve'

const rows = {
  node: {
    input: 'apps/node.js',
    output: { file: 'out/app.mjs', format: 'es' },
    plugins: [nodeResolve({ exportConditions: ['node'] })],
  },
  cjs: {
    input: 'apps/node.js',
    output: { file: 'out/app.cjs', format: 'cjs' },
    plugins: [nodeResolve({ exportConditions: ['node'] }), commonjs()],
  },
  plain: { input: 'apps/node.js', output: { file: 'out/app.mjs', format: 'es' }, plugins: [nodeResolve()] },
  browser: {
    input: 'apps/page.js',
    output: { dir: 'out', format: 'es', entryFileNames: 'app.js' },
    plugins: [nodeResolve({ browser: true })],
  },
  iife: {
    input: 'apps/page.js',
    output: { file: 'out/app.js', format: 'iife' },
    plugins: [nodeResolve({ browser: true }), commonjs()],
  },
  'iife-inlined': {
    input: 'apps/page.js',
    output: { file: 'out/app.js', format: 'iife', inlineDynamicImports: true },
    plugins: [nodeResolve({ browser: true }), commonjs()],
  },
  origin: {
    input: 'apps/origin.js',
    output: { file: 'out/origin.mjs', format: 'es' },
    plugins: [nodeResolve({ exportConditions: ['node'] })],
  },
  'origin-cjs': {
    input: 'apps/origin.js',
    output: { file: 'out/origin.cjs', format: 'cjs' },
    plugins: [nodeResolve({ exportConditions: ['node'] }), commonjs()],
  },
}

export default rows[process.env.ROW]
