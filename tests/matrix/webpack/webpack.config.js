// One configuration per target, selected by --config-name; everything else is webpack's default.

const path = require('node:path')

const output = (filename) => ({ path: path.resolve(__dirname, 'out'), filename })

module.exports = [
  { name: 'node', mode: 'production', target: 'node', entry: './apps/node.js', output: output('app.js') },
  {
    name: 'node-esm',
    mode: 'production',
    target: 'node',
    entry: './apps/node.js',
    experiments: { outputModule: true },
    output: { ...output('app.mjs'), module: true, chunkFormat: 'module' },
  },
  { name: 'web', mode: 'production', target: 'web', entry: './apps/page.js', output: output('app.js') },
  { name: 'web-worker', mode: 'production', target: 'web', entry: './apps/worker-page.js', output: output('app.js') },
  {
    name: 'webworker',
    mode: 'production',
    target: 'webworker',
    entry: './apps/web-worker.js',
    output: output('worker.js'),
  },
  { name: 'development', mode: 'development', target: 'node', entry: './apps/node.js', output: output('app.js') },
  { name: 'origin', mode: 'production', target: 'node', entry: './apps/origin.js', output: output('origin.js') },
]
