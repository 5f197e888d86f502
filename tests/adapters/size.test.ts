// Each adapter adds little to a bundle that contains gate and framework, and no second gate.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { figure } from '../tier.ts'

const MAX_BYTES = 1_500

for (const name of ['hono', 'express', 'node', 'fastify', 'next']) {
  test(`portcullis/${name} is at most ${MAX_BYTES} bytes and contains neither wasm nor gate`, async () => {
    const { outputFiles, metafile } = await build({
      stdin: {
        contents: `export * from 'portcullis/${name}'`,
        resolveDir: fileURLToPath(new URL('..', import.meta.url)),
      },
      bundle: true,
      minify: true,
      format: 'esm',
      target: 'es2022',
      platform: 'node',
      packages: 'bundle',
      external: ['hono', 'express', 'fastify', 'next'],
      write: false,
      metafile: true,
    })
    const bytes = gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).byteLength
    figure(`portcullis/${name}: ${bytes} bytes, minified and gzipped`)
    assert.ok(bytes > 200 && bytes <= MAX_BYTES, `${bytes} bytes`)
    const inputs = Object.keys(metafile.inputs)
    assert.ok(
      inputs.some((file) => file.endsWith(`adapters/${name}.js`)),
      'the adapter is bundled',
    )
    assert.deepEqual(
      inputs.filter((file) => file !== '<stdin>' && !/\/dist\/adapters\/[^/]+\.js$/.test(file)),
      [],
    )
  })
}
