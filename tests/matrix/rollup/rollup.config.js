import { nodeResolve } from '@rollup/plugin-node-resolve'

export default {
  input: 'apps/node.js',
  output: { file: 'out/app.mjs', format: 'es' },
  plugins: [nodeResolve({ exportConditions: ['node'] })],
}
