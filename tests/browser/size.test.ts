// The size of portcullis/browser in a page, bundled by esbuild.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const BUDGETS = [
  ['logout alone', "export { logout } from 'portcullis/browser'", 5_000],
  ['everything', "export * from 'portcullis/browser'", 9_800],
] as const

for (const [what, contents, budget] of BUDGETS) {
  test(`${what} is at most ${budget} bytes`, async (t) => {
    const { outputFiles, metafile } = await build({
      stdin: { contents, resolveDir: fileURLToPath(new URL('..', import.meta.url)) },
      bundle: true,
      minify: true,
      format: 'esm',
      target: 'es2022',
      write: false,
      metafile: true,
    })
    const [output] = outputFiles
    const bytes = gzipSync(output?.contents ?? '', { level: 9 }).byteLength
    t.diagnostic(`portcullis/browser, ${what}: ${bytes} bytes, minified and gzipped`)
    assert.ok(bytes > 500 && bytes <= budget, `${bytes} bytes`)
    assert.deepEqual(
      Object.keys(metafile.inputs).filter((file) => /wasm|\/(edge|origin)\//.test(file)),
      [],
    )
  })
}
