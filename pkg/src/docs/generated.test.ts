// The generated files on disk match the declarations.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import { generated } from './generated.ts'

for (const { path, content } of generated()) {
  test(`${basename(path)} is up to date`, () => {
    assert.ok(
      readFileSync(path, 'utf8') === content,
      `${path} differs from the declarations: run 'npm run generate' in pkg/`,
    )
  })
}
