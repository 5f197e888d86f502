// The size of one provider in a bundle: the other providers and the rest of the package are not included.

import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { exportedProviders } from './testing/vectors.ts'

/** A gate includes the error class anyway. */
const ERRORS = '*/errors.ts'
const MAX_GZIP_BYTES = 1280
const INDEX = fileURLToPath(new URL('index.ts', import.meta.url))
const providers = exportedProviders()

for (const {
  name,
  provider: { facts },
} of providers) {
  test(`${name} alone takes at most ${MAX_GZIP_BYTES} bytes of a bundle`, async (t) => {
    const { outputFiles } = await build({
      stdin: {
        contents: `export { ${name} } from '${INDEX}'`,
        resolveDir: fileURLToPath(new URL('.', import.meta.url)),
      },
      bundle: true,
      minify: true,
      external: [ERRORS],
      format: 'esm',
      write: false,
    })
    const code = outputFiles[0]?.text ?? ''
    const bytes = gzipSync(code, { level: 9 }).length
    assert.ok(code.includes(facts.source))
    assert.deepEqual(
      providers
        .filter((other) => other.name !== name && code.includes(other.provider.facts.source))
        .map((other) => other.name),
      [],
    )
    t.diagnostic(`${name}: ${bytes} bytes`)
    assert.ok(bytes <= MAX_GZIP_BYTES, `${bytes} bytes`)
  })
}
